# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup --target nixos
# Your own changes go into override.nix, read last and never overwritten.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  # Where the other files of this setup lie on this machine.
  folder = "/etc/setupgen/llama-cpp-qwen3-8-27b";
in
{
  imports = lib.optional (builtins.pathExists ./override.nix) ./override.nix;

  virtualisation.oci-containers.backend = "podman";
  # Describes the cards to podman.
  hardware.nvidia-container-toolkit.enable = true;

  virtualisation.oci-containers.containers."llama-cpp-qwen3-8-27b" = {
    image = "ghcr.io/ggml-org/llama.cpp:server-cuda-b11312";
    cmd = [
      "--hf-repo"
      "unsloth/Qwen3.8-27B-GGUF:Q5_K_M"
      "--no-mmproj"
      "--alias"
      "qwen3.8-27b"
      "--host"
      "0.0.0.0"
      "--port"
      "8080"
      "--ctx-size"
      "49152"
      "--parallel"
      "3"
      "--no-kv-unified"
      "--cache-type-k"
      "f16"
      "--cache-type-v"
      "f16"
      "--flash-attn"
      "on"
      "--n-gpu-layers"
      "all"
      "--fit"
      "off"
      "--batch-size"
      "2048"
      "--ubatch-size"
      "512"
      "--jinja"
      "--temp"
      "1.0"
      "--top-p"
      "0.95"
      "--top-k"
      "20"
      "--min-p"
      "0.0"
      "--cache-ram"
      "8192"
      "--cors-origins"
      "localhost"
      "--metrics"
    ];
    environment = {
      "LLAMA_CACHE" = "/models";
    };
    ports = [
    ];
    volumes = [
      "llama-cpp-qwen3-8-27b-llama-cpp-models:/models"
    ];
    extraOptions = [
      # By name only: the values come from .env and never into the store.
      "--env=LLAMA_API_KEY"
      "--env=HF_TOKEN"
      "--network=llama-cpp-qwen3-8-27b"
      "--network-alias=llama-cpp"
      "--device=nvidia.com/gpu=0"
      "--cap-drop=ALL"
      "--security-opt=no-new-privileges"
      "--security-opt=label=disable"
    ];
  };

  systemd.services."podman-llama-cpp-qwen3-8-27b" = {
    serviceConfig.EnvironmentFile = "${folder}/.env";
    serviceConfig.ExecStartPre = lib.mkBefore [
      "/bin/sh -c ': \"\$\${LLAMA_API_KEY:?is missing in .env}\"'"
    ];
    after = [ "llama-cpp-qwen3-8-27b-network.service" ];
    requires = [ "llama-cpp-qwen3-8-27b-network.service" ];
  };

  virtualisation.oci-containers.containers."llama-cpp-qwen3-8-27b-caddy" = {
    image = "docker.io/library/caddy:2.11.4-alpine";
    ports = [
      "0.0.0.0:8443:8443"
    ];
    volumes = [
      "llama-cpp-qwen3-8-27b-caddy-data:/data"
      "llama-cpp-qwen3-8-27b-caddy-config:/config"
      "${folder}/Caddyfile:/etc/caddy/Caddyfile:ro"
    ];
    dependsOn = [ "llama-cpp-qwen3-8-27b" ];
    extraOptions = [
      # By name only: the values come from .env and never into the store.
      "--env=SITE_HOST"
      "--env=LLAMA_API_KEY"
      "--network=llama-cpp-qwen3-8-27b"
      "--network-alias=caddy"
      "--cap-drop=ALL"
      "--cap-add=NET_BIND_SERVICE"
      "--security-opt=no-new-privileges"
    ];
  };

  systemd.services."podman-llama-cpp-qwen3-8-27b-caddy" = {
    serviceConfig.EnvironmentFile = "${folder}/.env";
    serviceConfig.ExecStartPre = lib.mkBefore [
      "/bin/sh -c ': \"\$\${SITE_HOST:?is missing in .env}\"'"
      "/bin/sh -c ': \"\$\${LLAMA_API_KEY:?is missing in .env}\"'"
    ];
    after = [ "llama-cpp-qwen3-8-27b-network.service" ];
    requires = [ "llama-cpp-qwen3-8-27b-network.service" ];
  };

  # In which the containers find one another by name.
  systemd.services."llama-cpp-qwen3-8-27b-network" = {
    path = [ config.virtualisation.podman.package ];
    serviceConfig.Type = "oneshot";
    serviceConfig.RemainAfterExit = true;
    script = "podman network inspect llama-cpp-qwen3-8-27b >/dev/null 2>&1 || podman network create llama-cpp-qwen3-8-27b";
  };
}
