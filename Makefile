# The commands of the report; `make` alone lists them.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready
NBVAL := $(RUN) -m pytest -q -x --nbval-current-env --nbval-cell-timeout=600
EXACT := $(wildcard notebooks/01_*.ipynb notebooks/02_*.ipynb)
TRAINED := $(filter-out $(EXACT),$(sort $(wildcard notebooks/*.ipynb)))

# Before torch loads: waiting threads soon sleep instead of spinning, and glibc keeps
# freed memory for the next array (smartclass_utils/__init__.py sets the same).
lab test bench soak: export GOMP_SPINCOUNT = 2000
lab test bench soak: export MALLOC_TRIM_THRESHOLD_ = 268435456
lab test bench soak: export MALLOC_MMAP_THRESHOLD_ = 33554432

# What the notebooks write while they are tested, apart from everything else. They run
# beside the unit tests, which leave them the first turn; a thread each is quickest.
TRIAL := $(CURDIR)/build/test
test unit nbval: export SMARTCLASS_DATA = demo
test unit nbval: export SMARTCLASS_OUT = $(TRIAL)
test unit nbval: export TQDM_DISABLE = 1
test unit nbval: export OMP_NUM_THREADS = 1

.DEFAULT_GOAL := help
.PHONY: help report check slides pdf study data test unit nbval lint lab bench soak record constraints clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | \
	  awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(READY): pyproject.toml constraints.txt
	@echo "Setting up $(VENV); the first time it downloads for some minutes."
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --progress-bar on -c constraints.txt -e '.[test]'
	@touch $@

# Make puts DATA=…, OUT=… and the like into the environment, where quotes, brackets and
# blanks in them stay what they are.
report: $(READY) ## run all chapters; DATA=folder OUT=folder EPOCHS=n SEEDS=n IMAGE_SIZE=px COLOUR=1 START=shipped
	@$(RUN) -m smartclass_utils report $(if $(DATA),--data "$$DATA") \
	  $(if $(OUT),--out "$$OUT") $(if $(EPOCHS),--epochs "$$EPOCHS") \
	  $(if $(SEEDS),--seeds "$$SEEDS") $(if $(IMAGE_SIZE),--image-size "$$IMAGE_SIZE") \
	  $(if $(filter 1,$(COLOUR)),--colour) $(if $(START),--start "$$START")

check: $(READY) ## look at a folder before a run; DATA=folder
	@$(RUN) -m smartclass_utils check "$$DATA"

slides: $(READY) ## make slides from the last report; OUT=folder
	@$(RUN) -m smartclass_utils slides $(if $(OUT),--out "$$OUT")

pdf: $(READY) ## print the last report as one PDF, with Chromium or Chrome; OUT=folder
	@$(RUN) -m smartclass_utils pdf $(if $(OUT),--out "$$OUT")

data: $(READY) ## print the terms of the real sources; ACCEPT_TERMS=1 downloads them
	@$(RUN) -m pip install --quiet -c constraints.txt -e '.[download]'
	@$(RUN) -m smartclass_utils data $(if $(filter 1,$(ACCEPT_TERMS)),--accept-terms)

lint: $(READY) ## check style of package, tests and notebooks
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

test: lint ## lint, unit tests, all notebooks through nbval
	$(MAKE) -j 2 unit nbval

unit: $(READY)
	nice $(RUN) -m pytest -q

nbval: $(READY)
	rm -rf $(TRIAL)
	$(NBVAL) --nbval --nbval-sanitize-with notebooks/nbval.cfg $(EXACT)
	$(NBVAL) --nbval-lax $(TRAINED)

study: $(READY) ## rows of chapter 5 at length; DATA=folder ROWS=set SEEDS=n SPLITS=n FOLDS=n
	@$(RUN) -m smartclass_utils study "$$DATA" $(if $(ROWS),--rows "$$ROWS") \
	  $(if $(SEEDS),--seeds "$$SEEDS") \
	  $(if $(SPLITS),--splits "$$SPLITS") $(if $(FOLDS),--folds "$$FOLDS")

lab: $(READY) ## open JupyterLab on its start page
	$(RUN) -m jupyter lab --LabApp.default_url=/lab/tree/notebooks/README.md \
	  --LabApp.app_settings_dir=notebooks/.lab

bench: $(READY) ## measure speed and memory, as ratios within one run
	$(RUN) -m benchmarks

soak: $(READY) ## faults on purpose: mutated images, kills, full disks, 200,000 images; an hour
	$(RUN) -m benchmarks soak

record: $(READY) ## for maintainers: run the demo report, keep it as what is committed
	$(RUN) -m smartclass_utils record

constraints: $(READY) ## for maintainers: write down the versions installed now
	$(RUN) -m pip freeze --exclude-editable | grep -viE '^(nvidia|cuda|triton)' \
	  > constraints.txt

clean: ## remove everything that was made, but not data/raw
	rm -rf $(VENV) build report data/clean data/models data/demo/faces
