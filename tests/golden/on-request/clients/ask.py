# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen write my-setup --target aider --target cline --target codex-cli --target continue --target llama-swap-native --target monitoring --target openai-sdk --target zed
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
"""Asks the server: python ask.py "your question". Needs: pip install openai."""

import sys

from openai import OpenAI

client = OpenAI(
    base_url="http://127.0.0.1:9931/v1",
    api_key="none",
    # A long prompt is read in silence, and a second try would read it again.
    timeout=3600,
    max_retries=0,
)
question = " ".join(sys.argv[1:]) or "Say hello in one sentence."
stream = client.chat.completions.create(
    model="qwen3.8-27b",
    messages=[{"role": "user", "content": question}],
    stream=True,
)
for chunk in stream:
    if chunk.choices and chunk.choices[0].delta.content:
        print(chunk.choices[0].delta.content, end="", flush=True)
print()
