# The commands. Each makes the environment it needs the first time; `make help` says what they do.
.DEFAULT_GOAL := help
.PHONY: federated help train weights evaluate export demo benchmark benchmark-full trust uncertainty train-published train-baselines baselines paper-ablation design-ablation fine-tuning deploy-app deploy-map deploy-package test-deploy label test-label container test-container test-entry-points test-scale test test-bare test-all test-training fuzz lint speed refinement training-speed backends profile clean

CONFIGS := bundles/brain_mri_denoise/configs
MODELS  := bundles/brain_mri_denoise/models
BIN     := .venv/bin
STAMP   := .venv/.installed
PIP     := $(BIN)/python -m pip install -qq --no-input --disable-pip-version-check -c constraints.txt
ARGS    ?=

# PYTHON=... is taken at its word; without it the first of these that is a Python 3.10 to 3.12 is used.
PYTHONS := python3 python3.12 python3.11 python3.10
ifneq ($(origin PYTHON),undefined)
PYTHONS := $(PYTHON)
endif

export MLFLOW_DISABLE_TELEMETRY = true
# Our package sets this for its own commands; MONAI's command makes tensors before it imports our package.
export THP_MEM_ALLOC_ENABLE = 1

# MONAI Deploy needs the CUDA runtime library even without a GPU; its environment has one.
IN_DEPLOY = LD_LIBRARY_PATH="$$(echo $(CURDIR)/.deploy/lib/python3*/site-packages/nvidia/cu13/lib)$${LD_LIBRARY_PATH:+:$$LD_LIBRARY_PATH}"
MAP ?= build/map
DEPLOY_PIP = .deploy/bin/python -m pip install -qq --no-input --disable-pip-version-check

comma := ,
space := $(subst ,, )
# $(call laid_over,a b): --config_file of train.json with a.json and then b.json laid over it.
laid_over = --config_file "[$(subst $(space),$(comma),$(foreach name,train $(1),'$(CONFIGS)/$(name).json'))]"

# glibc gives memory of such sizes back at once, and pays for it page by page when it asks again: let it keep some.
keep_memory  = MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456
on_two_cores = OMP_NUM_THREADS=1 $(keep_memory) $(BIN)/torchrun --standalone --nproc_per_node=2 -m monai.bundle run training

help: ## say what each command does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1|/' \
		| while IFS='|' read -r name what; do printf '  make %-17s %s\n' "$$name" "$$what"; done
	@echo '  More arguments go in ARGS, e.g. make train ARGS="--max_epochs 3" or make test ARGS="-k rician -x";'
	@echo '  another interpreter in PYTHON, e.g. make test PYTHON=python3.12.'

train: $(STAMP) ## train the bundle on data made on this machine (no download), tracked in MLflow
	$(BIN)/python -m monai.bundle run training --config_file $(CONFIGS)/train.json $(ARGS)

weights: $(STAMP) ## make the bundled weights, in six phases (eight hours on two CPU cores)
	$(on_two_cores) $(call laid_over,weights_1_small_patches multi_gpu_train) $(ARGS)
	$(on_two_cores) $(call laid_over,train_large_patches weights_2_large_patches multi_gpu_train) $(ARGS)
	$(on_two_cores) $(call laid_over,train_deeper weights_3_deeper multi_gpu_train) $(ARGS)
	$(on_two_cores) $(call laid_over,weights_4_longer multi_gpu_train) $(ARGS)
	$(on_two_cores) $(call laid_over,train_noise_reader weights_5_noise_reader multi_gpu_train) $(ARGS)
	$(on_two_cores) $(call laid_over,train_scanner_noise weights_6_scanner_noise multi_gpu_train) $(ARGS)

evaluate: $(STAMP) ## measure the trained model: PSNR and SSIM per noise level
	$(BIN)/python -m monai.bundle run $(call laid_over,evaluate) $(ARGS)

export: $(STAMP) ## write models/model.ts and model.onnx, the TorchScript and the ONNX of models/model.pt
	$(BIN)/mri-denoise export-torchscript $(MODELS)/model.ts --overwrite $(ARGS)
	$(BIN)/mri-denoise export-onnx $(MODELS)/model.onnx --overwrite $(ARGS)

demo: $(STAMP) ## denoise one example and draw noisy, denoised, residual and clean side by side
	$(BIN)/mri-denoise demo $(ARGS)

# Exit code 3: everything is written, but some methods lack packages or weights here, which is no failure.
benchmark: $(STAMP) ## compare with the baselines on a reduced grid (minutes): benchmark/tables.md
	$(BIN)/mri-denoise benchmark --quick $(ARGS) || test $$? -eq 3

benchmark-full: $(STAMP) ## the full comparison in docs/benchmark (hours); BRAINWEB=folder adds BrainWeb's volumes
	$(BIN)/mri-denoise benchmark --volume phantom $(if $(BRAINWEB),--volume brainweb:$(BRAINWEB)) \
		--output-dir docs/benchmark $(ARGS) || test $$? -eq 3

trust: baselines ## what denoisers keep and what they invent, after `make uncertainty`: docs/trust/trust.csv (hours)
	$(BIN)/mri-denoise trust --method ours --method ours_no_refinement --method nlmeans --method bm4d_vst --method paper \
		--noise white --noise zero_filled --every-level --output-dir docs/trust $(ARGS)
	$(BIN)/python -m experiments.strength

uncertainty: $(STAMP) ## train and calibrate the error head, list the known scans, count verdicts of reports (two hours)
	$(BIN)/python -m experiments.uncertainty $(ARGS)
	$(BIN)/python -m experiments.uncertainty.bootstrap
	$(BIN)/python -m experiments.known_scans
	$(BIN)/python -m experiments.report_verdicts

# The methods of the published experiment: as printed, with terms of its relatives, half as wide, and CycleGAN.
PUBLISHED := adversarial slab_2d published_experiment
SMALL     := --channels "[8,16,32]" --model_path $(MODELS)/model_paper_small.pt --experiment_name brain_mri_denoise_paper_small
train-published: $(STAMP) ## train the published method and CycleGAN (hours on two CPU cores)
	$(BIN)/python -m monai.bundle run training $(call laid_over,$(PUBLISHED) train_paper) $(ARGS)
	$(BIN)/python -m monai.bundle run training $(call laid_over,$(PUBLISHED) train_paper train_paper_plus) \
		--start_from bundles/brain_mri_denoise/output/checkpoints $(ARGS)
	$(BIN)/python -m monai.bundle run training $(call laid_over,$(PUBLISHED) train_paper) $(SMALL) $(ARGS)
	$(BIN)/python -m monai.bundle run training $(call laid_over,$(PUBLISHED) train_cyclegan) $(ARGS)

train-baselines: train-published ## train the learned methods of the benchmark, after `make weights` (hours on two CPU cores)
	$(on_two_cores) $(call laid_over,weights_4_longer train_paired multi_gpu_train) $(ARGS)
	$(BIN)/python -m monai.bundle run training $(call laid_over,slab_2d train_paired train_dncnn) $(ARGS)

paper-ablation: $(STAMP) ## the published method without each of its terms: docs/benchmark/ablation.csv (one to two hours)
	$(BIN)/python -m experiments.paper_ablation $(ARGS)

design-ablation: $(STAMP) ## the default training with one design choice changed: docs/quality.csv (2 to 3 hours)
	$(BIN)/python -m experiments.design_ablation $(ARGS)

fine-tuning: $(STAMP) ## the gain of starting from trained weights: docs/transfer.csv (about 10 minutes)
	$(BIN)/python -m experiments.fine_tuning $(ARGS)

federated: $(STAMP) ## three simulated sites train one model, and each its own: docs/federated.csv (one to two hours)
	OMP_NUM_THREADS=1 $(BIN)/python -m experiments.federated $(ARGS)

baselines: .baselines/.installed ## install the packages of the baselines into .baselines (some gigabytes)

deploy-app: .deploy/.installed ## MONAI Deploy: denoise a DICOM study, INPUT=folder OUTPUT=folder [MODEL=bundle or model.ts]
	$(if $(and $(INPUT),$(OUTPUT)),,$(error usage: make deploy-app INPUT=folder OUTPUT=folder [MODEL=folder or model.ts]))
	$(IN_DEPLOY) .deploy/bin/python apps/deploy/app.py -i "$(INPUT)" -o "$(OUTPUT)" $(if $(MODEL),-m "$(MODEL)") $(ARGS)

deploy-map: .deploy/.installed ## collect the content of a MONAI Application Package in build/map
	rm -rf "$(MAP)" build/lib
	mkdir -p "$(MAP)/app" "$(MAP)/models"
	cp apps/deploy/*.py apps/deploy/requirements.txt apps/deploy/app.yaml "$(MAP)/app"
	$(DEPLOY_PIP) --no-deps --target "$(MAP)/app" .
	model="$(or $(MODEL),bundles/brain_mri_denoise)"; \
	if [ -d "$$model" ]; then \
		mkdir -p "$(MAP)/models/$$(basename "$$model")/models" && cd "$$model" && \
		calibration=$$(ls models/calibration.json models/error_head.pt models/known_scans.csv 2>/dev/null || true) && \
		cp --parents -r configs models/model.pt $$calibration "$(abspath $(MAP))/models/$$(basename "$$model")"; \
	else cp "$$model" "$(MAP)/models"; fi

deploy-package: deploy-map ## make a MONAI Application Package (needs Docker and the internet)
	$(IN_DEPLOY) .deploy/bin/monai-deploy package "$(MAP)/app/app.py" --config "$(MAP)/app/app.yaml" \
		--models "$(MAP)/models" --platform x86_64 --tag mri-denoise $(ARGS)

test-deploy: .deploy/.installed ## run the tests of the MONAI Deploy application
	$(IN_DEPLOY) .deploy/bin/python -m pytest tests_apps/deploy $(ARGS)

label: .label/.installed ## MONAI Label: serve the scans in STUDIES=folder here, [PORT=8000 BUNDLE=folder CLEAN=folder ORIGINS=urls]
	$(if $(STUDIES),,$(error usage: make label STUDIES=folder [PORT=8000] [BUNDLE=folder] [CLEAN=folder of clean scans] [ORIGINS=of web pages]))
	.label/bin/python -m monailabel.main start_server --app apps/label --studies "$(STUDIES)" --host 127.0.0.1 --port $(or $(PORT),8000) \
		$(if $(BUNDLE),--conf bundle "$(BUNDLE)") $(if $(CLEAN),--conf clean_dir "$(CLEAN)") \
		$(if $(ORIGINS),--conf origins "$(ORIGINS)") $(ARGS)

test-label: .label/.installed ## run the tests of the MONAI Label app
	.label/bin/python -m pytest tests_apps/label $(ARGS)

container: ## build the container image mri-denoise [ENGINE=podman TORCH_BUILD=cu130 SOURCE=url] (needs Docker and the internet)
	$(or $(ENGINE),docker) build $(if $(TORCH_BUILD),--build-arg TORCH_BUILD=$(TORCH_BUILD)) \
		$(if $(SOURCE),--build-arg SOURCE="$(SOURCE)") --tag mri-denoise $(ARGS) .

test-container: $(STAMP) ## build the image with podman and run it [BASE=image STORAGE=folder] (as root; 10 minutes or more, 5 GB)
	BASE="$(BASE)" STORAGE="$(STORAGE)" $(BIN)/python -m pytest tests_container -s $(ARGS)

test: $(STAMP) ## run the tests and print their coverage (minutes)
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report= $(ARGS)
	@echo "coverage: $$($(BIN)/coverage report --format=total) % of the lines"

test-bare: $(STAMP) ## denoise in an empty environment with the core dependencies alone (minutes, a gigabyte)
	$(BIN)/python -m pytest tests/repository/test_bare_installation.py -m slow $(ARGS)

test-all: $(STAMP) ## run the tests, the slow ones too
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "slow or not slow" $(ARGS)

# The slow tests of the bundled model on real scans are in `make test-all` alone.
test-training: $(STAMP) ## whole trainings: resumed, in two processes, on two nodes, of every method; zip and ONNX (minutes)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow tests/bundle/test_resume.py tests/bundle/test_distributed.py \
		tests/bundle/test_two_nodes.py tests/bundle/test_stopped.py tests/bundle/test_training.py \
		tests/bundle/test_own_data.py tests/bundle/test_mlflow_server.py tests/bundle/test_published_weights.py \
		tests/bundle/test_bundle_zip.py tests/export $(ARGS)

test-entry-points: $(STAMP) ## every entry point gives the same voxels and refusals (MONAI Label and Deploy after their tests)
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/entry_points tests/reliability -m slow $(ARGS)

fuzz: $(STAMP) ## thousands of damaged scans and interrupted writes: docs/reliability.csv (about 10 minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.reliability.run $(or $(ARGS),--csv docs/reliability.csv)
	$(BIN)/python -m pytest tests/reliability -m slow

# dcmtk and openssl: the other ends of the DICOM connections. Without them, and without the right to install them, the
# tests say what they lack and are skipped.
test-scale: .venv/.workflows ## a Dask cluster, workflow engines, the DICOM node with dcmtk, NVFlare, on this machine; accidents (minutes)
	@$(call from_debian,dcmdump,dcmtk openssl)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile tests_scale $(ARGS)

lint: $(STAMP) ## check the style (ruff), the spelling (codespell) and the types of the package (mypy)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy monai_unsup_denoise transforms experiments

speed: $(STAMP) ## seconds and memory of ours and of the baselines: docs/speed.csv, docs/speed.md (about 20 minutes)
	$(BIN)/python -m experiments.speed $(ARGS)

backends: $(STAMP) ## the network with OpenVINO, ONNX Runtime and others: docs/backends.csv, docs/speed.md (about 5 minutes)
	$(BIN)/python -m experiments.backends $(ARGS)

refinement: $(STAMP) ## gain and time of the refinement with other settings: docs/refinement.csv, docs/speed.md (about 5 minutes)
	$(BIN)/python -m experiments.refinement_settings $(ARGS)

training-speed: $(STAMP) ## seconds of a training step, by part: docs/training_speed.csv, docs/training.md (about 4 minutes)
	$(BIN)/python -m experiments.training_speed $(ARGS)

profile: $(STAMP) ## print the seconds from a command to its help, the first voxel and the end
	$(BIN)/python -m experiments.startup_times

clean: ## remove .venv, build products and caches; never a model or a result
	rm -rf .venv .baselines .deploy .label build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

include make/environments.mk
include make/docs.mk
include make/release.mk
