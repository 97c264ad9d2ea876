# make demo, make test, make lint, make bench: each sets up what it needs, on Python 3.11 or newer and make.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PLUGINS := $(wildcard plugins/*/pyproject.toml)
# of the examples only digits is installed: lepton-mlflow and lepton-monotone would take part in every run
DISTRIBUTIONS := pyproject.toml $(PLUGINS) examples/digits/pyproject.toml constraints.txt
# the sample of retail lies in a package of its own
EDITABLE := $(subst plugins/retail,'plugins/retail[sample]',$(patsubst %/pyproject.toml,--editable %,$(PLUGINS))) --editable examples/digits

.PHONY: demo test lint bench clean

demo: $(VENV)/.host
	$(BIN)/lepton run finance.credit-risk

test: $(VENV)/.test
	$(BIN)/python -m pytest --numprocesses 2

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.bench
	$(BIN)/python benchmarks/accuracy/credit_risk.py
	$(BIN)/python benchmarks/accuracy/demand_forecasting.py
	$(BIN)/python benchmarks/accuracy/diagnosis_aid.py
	$(BIN)/python benchmarks/accuracy/digits.py
	$(BIN)/python benchmarks/accuracy/failure_detection.py
	$(BIN)/python benchmarks/accuracy/market_risk.py
	$(BIN)/python benchmarks/accuracy/monotone.py
	$(BIN)/python benchmarks/accuracy/predictive_maintenance.py
	$(BIN)/python benchmarks/speed/startup.py
	$(BIN)/python benchmarks/speed/overhead.py
	$(BIN)/python benchmarks/speed/scoring.py
	$(BIN)/python benchmarks/speed/serving.py
	$(BIN)/python benchmarks/speed/ticks.py
	$(BIN)/python benchmarks/speed/demand_forecasting.py
	$(BIN)/python benchmarks/speed/deep_loop.py
	$(BIN)/python benchmarks/speed/pictures.py
	$(BIN)/python benchmarks/speed/fleet.py

$(VENV)/.python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.host: $(VENV)/.python $(DISTRIBUTIONS)
	$(INSTALL) --editable . --editable plugins/finance
	touch $@

$(VENV)/.test: $(VENV)/.host
	$(INSTALL) --editable '.[deep,serve,test]' $(EDITABLE)
	touch $@

$(VENV)/.lint: $(VENV)/.host
	$(INSTALL) --editable '.[deep,lint,serve]' $(EDITABLE)
	touch $@

$(VENV)/.bench: $(VENV)/.host
	$(INSTALL) --editable '.[catboost,deep,serve]' $(EDITABLE) --requirement benchmarks/requirements.txt
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
