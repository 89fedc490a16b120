"""Runs FastChat's `elo_analysis` as its package holds it.

Importing `fastchat.model` as a whole would need PyTorch, of which the analysis uses nothing: only the module that lists
models is loaded.
"""

import runpy
import sys
import types
from pathlib import Path

import fastchat

package = types.ModuleType("fastchat.model")
package.__path__ = [str(Path(fastchat.__path__[0]) / "model")]
sys.modules["fastchat.model"] = package
runpy.run_module("fastchat.serve.monitor.elo_analysis", run_name="__main__", alter_sys=True)
