"""Servers of other makers around the same LightGBM model; run by ``serving.py``, one per process.

    python serving_peers.py fastapi PORT FOLDER

FOLDER holds ``model.txt`` (LightGBM's own text) and ``columns.json``. Each answers the probability of the
event for one case as JSON, written as its own tutorial writes it.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np


def model_in(folder: Path) -> tuple[lgb.Booster, list[str]]:
    """Return the booster and the names of its columns."""
    booster = lgb.Booster(model_file=folder / "model.txt")
    return booster, json.loads((folder / "columns.json").read_text())


def fastapi(port: int, folder: Path) -> None:
    """FastAPI, a pydantic model per request, a numpy row."""
    import uvicorn
    from fastapi import FastAPI
    from pydantic import create_model

    booster, columns = model_in(folder)
    case_type = create_model("Case", **dict.fromkeys(columns, (float, ...)))
    app = FastAPI()

    @app.post("/decide")
    async def decide(case: case_type) -> dict[str, float]:  # type: ignore[valid-type]
        row = np.array([[getattr(case, name) for name in columns]])
        return {"probability": float(booster.predict(row)[0])}

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


try:
    from litserve import LitAPI
except ModuleNotFoundError:
    LitAPI = object


class LitServeApi(LitAPI):  # type: ignore[misc,valid-type]
    """What LitServe asks for: set up, decode, predict, encode."""

    def setup(self, device: str) -> None:
        self.booster, self.columns = model_in(Path.cwd())

    def decode_request(self, request: dict[str, float]) -> Any:
        return np.array([[request[name] for name in self.columns]])

    def predict(self, row: Any) -> Any:
        return self.booster.predict(row)

    def encode_response(self, output: Any) -> dict[str, float]:
        return {"probability": float(output[0])}


def litserve(port: int, folder: Path) -> None:
    """LitServe with one worker."""
    import litserve

    os.chdir(folder)  # its worker is another process, which cannot be given the folder otherwise
    server = litserve.LitServer(LitServeApi(api_path="/decide"), accelerator="cpu")
    server.run(port=port, host="127.0.0.1", generate_client_file=False, log_level="warning")


def mlflow(port: int, folder: Path) -> None:
    """MLflow's scoring server on a saved LightGBM model."""
    import mlflow.lightgbm

    saved = folder / "mlflow"
    if not saved.exists():
        booster, _ = model_in(folder)
        mlflow.lightgbm.save_model(booster, saved)
    command = ["mlflow", "models", "serve", "--model-uri", str(saved), "--env-manager", "local"]
    os.execv(sys.executable, [sys.executable, "-m", *command, "--host", "127.0.0.1", "--port", str(port)])


def bentoml(port: int, folder: Path) -> None:
    """BentoML with one worker."""
    service = folder / "bento_service.py"
    service.write_text(
        "import json\nfrom pathlib import Path\n\n"
        "import bentoml\nimport lightgbm as lgb\nimport numpy as np\n\n"
        f"FOLDER = Path({str(folder)!r})\n\n\n"
        "@bentoml.service(workers=1)\nclass Service:\n"
        "    def __init__(self):\n"
        "        self.booster = lgb.Booster(model_file=FOLDER / 'model.txt')\n"
        "        self.columns = json.loads((FOLDER / 'columns.json').read_text())\n\n"
        "    @bentoml.api\n"
        "    def decide(self, case: dict[str, float]) -> dict[str, float]:\n"
        "        row = np.array([[case[name] for name in self.columns]])\n"
        "        return {'probability': float(self.booster.predict(row)[0])}\n"
    )
    command = ["bentoml", "serve", "bento_service:Service", "--host", "127.0.0.1", "--port", str(port)]
    os.chdir(folder)
    os.execv(sys.executable, [sys.executable, "-m", *command])


PEERS = {"fastapi": fastapi, "litserve": litserve, "mlflow": mlflow, "bentoml": bentoml}

if __name__ == "__main__":
    PEERS[sys.argv[1]](int(sys.argv[2]), Path(sys.argv[3]))
