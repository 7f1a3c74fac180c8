"""The command that is measured: the one that is installed beside this interpreter.

Not `python -m cncbops`: from the root of the project that would be the folder of sources, which lacks `commands`.
"""

import sys
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("cncbops"))
