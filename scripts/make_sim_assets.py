"""Makes the picture sets of the simulator from the shared data folder.

`QYRAN_SHARED` names that folder (default `../shared`). Usage:

    python -m scripts.make_sim_assets demo sim/assets
    python -m scripts.make_sim_assets train <folder outside the repository>
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sim.asset_making import make_demo_assets
from sim.asset_training import make_train_assets


def main() -> int:
    """Makes the set named on the command line; returns the exit code."""
    makers = {"demo": make_demo_assets, "train": make_train_assets}
    if len(sys.argv) != 3 or sys.argv[1] not in makers:
        sys.stderr.write("usage: make_sim_assets.py demo|train FOLDER\n")
        return 2
    shared = Path(os.environ.get("QYRAN_SHARED", "../shared"))
    makers[sys.argv[1]](shared, Path(sys.argv[2]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
