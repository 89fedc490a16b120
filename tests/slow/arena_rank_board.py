"""Rates a file of battles with arena-rank, through its own loader, and prints the ratings as JSON."""

import json
import sys

import pandas as pd
from arena_rank.models.bradley_terry import BradleyTerry
from arena_rank.utils.data_utils import PairDataset

dataset = PairDataset.from_pandas(pd.read_parquet(sys.argv[1]))
found = BradleyTerry(len(dataset.competitors)).compute_ratings_and_cis(dataset)
print(json.dumps(dict(zip(found["competitors"], map(float, found["ratings"]), strict=True))))
