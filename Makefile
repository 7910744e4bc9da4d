# The commands of the report; `make` alone lists them.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready
NBVAL := $(RUN) -m pytest -q -x --nbval-current-env --nbval-cell-timeout=600
EXACT := notebooks/01_data_cleaning.ipynb notebooks/02_data_visualization.ipynb
TRAINED := notebooks/03_training.ipynb notebooks/04_evaluation.ipynb \
  notebooks/05_beyond_the_report.ipynb \
  notebooks/06_what_the_numbers_are_worth.ipynb \
  notebooks/07_inside_the_network.ipynb

# What the notebooks write while they are tested, apart from everything else.
TRIAL := $(CURDIR)/build/test
test: export SMARTCLASS_DATA = demo
test: export SMARTCLASS_OUT = $(TRIAL)
test: export TQDM_DISABLE = 1

.DEFAULT_GOAL := help
.PHONY: help report slides pdf audit study data test lint lab bench soak record constraints clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | \
	  awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(READY): pyproject.toml constraints.txt
	@echo "Setting up $(VENV); the first time takes some minutes."
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet -c constraints.txt -e '.[test]'
	@touch $@

report: $(READY) ## run all chapters; DATA=folder OUT=folder EPOCHS=n SEEDS=n IMAGE_SIZE=px
	@$(RUN) -m smartclass_utils report $(if $(DATA),--data '$(DATA)') \
	  $(if $(OUT),--out '$(OUT)') $(if $(EPOCHS),--epochs $(EPOCHS)) \
	  $(if $(SEEDS),--seeds $(SEEDS)) $(if $(IMAGE_SIZE),--image-size $(IMAGE_SIZE))

slides: $(READY) ## make slides from the last report; OUT=folder
	@$(RUN) -m smartclass_utils slides $(if $(OUT),--out '$(OUT)')

pdf: $(READY) ## print the last report as one PDF, with Chromium or Chrome; OUT=folder
	@$(RUN) -m smartclass_utils pdf $(if $(OUT),--out '$(OUT)')

data: $(READY) ## print the terms of the real sources; ACCEPT_TERMS=1 downloads them
	@$(RUN) -m pip install --quiet -c constraints.txt -e '.[download]'
	@$(RUN) -m smartclass_utils data $(if $(filter 1,$(ACCEPT_TERMS)),--accept-terms)

lint: $(READY) ## check style of package, tests and notebooks
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

test: lint ## lint, unit tests, and every notebook against its stored outputs
	$(RUN) -m pytest -q
	rm -rf $(TRIAL)
	$(NBVAL) --nbval --nbval-sanitize-with notebooks/nbval.cfg $(EXACT)
	$(NBVAL) --nbval-lax $(TRAINED)

audit: $(READY) ## check what the last report's numbers are worth; takes minutes
	@$(RUN) -m smartclass_utils audit

study: $(READY) ## all steps of chapter 5 at length; DATA=folder OTHERS='folder …'
	@$(RUN) -m smartclass_utils study '$(DATA)' $(if $(OTHERS),--others $(OTHERS)) \
	  $(if $(SEEDS),--seeds $(SEEDS))

lab: $(READY) ## open JupyterLab on its start page
	$(RUN) -m jupyter lab --notebook-dir=notebooks \
	  --LabApp.default_url=/lab/tree/README.md --LabApp.app_settings_dir=notebooks/.lab

bench: $(READY) ## measure speed and memory, as ratios within one run
	$(RUN) -m benchmarks

soak: $(READY) ## faults on purpose: mutated images, kills, full disks, much data; takes minutes
	$(RUN) -m benchmarks soak

record: report ## for maintainers: keep the demo report as the committed notebooks
	$(RUN) -m smartclass_utils record

constraints: $(READY) ## for maintainers: write down the versions installed now
	$(RUN) -m pip freeze --exclude-editable | grep -viE '^(nvidia|cuda|triton)' \
	  > constraints.txt

clean: ## remove everything that was made, but not data/raw
	rm -rf $(VENV) build report data/clean data/models data/demo
