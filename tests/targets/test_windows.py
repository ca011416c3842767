"""PowerShell itself is not to be had here: its grammar reads every script."""

import re

import pytest
import tree_sitter_powershell
from plans import SHAPES
from target_tools import ALL, rendered
from tree_sitter import Language, Parser

PARSER = Parser(Language(tree_sitter_powershell.language()))


def faults(text):
    """Places that the grammar does not understand, as line and text."""
    found, todo = [], [PARSER.parse(text.encode()).root_node]
    while todo:
        node = todo.pop()
        if node.is_error or node.is_missing:
            found.append((node.start_point.row + 1, node.text.decode()[:80]))
        if node.has_error:
            todo.extend(node.children)
    return found


def test_the_grammar_finds_faults():
    assert faults("$a = @('x'\nWrite-Host 'y'")
    assert faults("if ($a { 'x' }")
    assert not faults("if ($a) { 'x' }")


@pytest.mark.target(
    ["windows", "windows-task"], checker="tree-sitter-powershell", note="PowerShell's grammar reads every script", version="0.26.4"
)
@pytest.mark.parametrize("shape", [shape for shape in ALL if shape in SHAPES and SHAPES[shape]["facts"]["needs"]["os"] == "windows"])
def test_powershells_grammar_reads_every_script(shape):
    scripts = {path: text for path, text in rendered(shape, "windows-task").files.items() if path.endswith(".ps1")}
    assert {"start.ps1", "stop.ps1", "install-task.ps1", "remove-task.ps1"} <= set(scripts)
    assert {path: faults(text) for path, text in scripts.items()} == {path: [] for path in scripts}


# https://learn.microsoft.com/en-us/powershell/module/scheduledtasks/new-scheduledtasksettingsset
SETTINGS = {
    "ExecutionTimeLimit",
    "AllowStartIfOnBatteries",
    "DontStopIfGoingOnBatteries",
    "MultipleInstances",
    "RestartCount",
    "RestartInterval",
}


def test_the_task_sets_only_what_its_cmdlet_has_and_runs_without_end():
    text = rendered("ollama-native-windows", "windows-task").files["install-task.ps1"]
    table = text.partition("$options = @{")[2].partition("\n}")[0]
    assert set(re.findall(r"^    (\w+) =", table, re.MULTILINE)) == SETTINGS
    assert "ExecutionTimeLimit = [TimeSpan]::Zero" in table
    assert "-RunLevel" not in text
