"""A network as a column of a DataFrame of Spark; it travels with the function, and each machine builds it once."""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf

import onnx_bridge
from onnx_bridge.demo.events import events

model = Path(onnx_bridge.__file__).parent / "demo" / "diphoton.onnx"  # event [N, 8] -> signal [N, 1]
net = onnx_bridge.convert(model).compile()
rows, _ = events(20_000, seed=0)
names = [f"feature{column}" for column in range(8)]

os.environ["PYSPARK_PYTHON"] = sys.executable  # workers begin with this Python, not with the first in PATH
builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
spark = builder.config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()


@pandas_udf("float")
def signal(*columns: pd.Series) -> pd.Series:
    """A row for each row of some columns."""
    rows = np.stack([column.to_numpy(np.float32) for column in columns], 1)
    return pd.Series(net(rows)[:, 0])


frame = spark.createDataFrame(pd.DataFrame(rows, columns=names))
found = frame.withColumn("signal", signal(*names)).toPandas()
spark.stop()

alone = net(found[names].to_numpy(np.float32))[:, 0]
same = "the same" if (found["signal"].to_numpy(np.float32) == alone).all() else "not the same"
print(f"{len(found)} rows, mean signal {alone.mean():.6f}, {same} here")
