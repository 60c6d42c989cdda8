# Every target is one line over a program in .venv, so you can do without make. Needs GNU make 3.81 or newer.

.DEFAULT_GOAL := help
BIN := .venv/bin

# A caller's sentence may contain an apostrophe or a dollar sign. The command gets these variables through the
# environment, so that neither the shell nor make expands them.
CALL_VARIABLES := SAY TO WAV DTMF BARGE_IN CALLS LATE SAVE EXPECT_TOOL EXPECT_TEXT URL
$(foreach name,$(CALL_VARIABLES),$(eval override $(name) := $$(value $(name))))
export $(CALL_VARIABLES)
# Variables that a shell sets for its own Python, Node or git must not reach the programs in .venv.
unexport PYTHONPATH PYTHONHOME PYTHONOPTIMIZE PYTHONWARNINGS PYTHONINSPECT PYTHONSAFEPATH PYTHONDEVMODE NODE_OPTIONS
unexport GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

# `environment` fails without the page, `run` only warns, and a call does not need it.
PAGE := $(if $(filter environment,$(MAKECMDGOALS)),--page=required,$(if $(filter run,$(MAKECMDGOALS)),--page=wanted))

.PHONY: help environment test-environment page run call isolated-tools clients test test-all test-rest faults soak endurance fuzz mutations dates costs pictures readme-pictures coverage audit sbom drill rollout lint format doctor lock bench deploy-plan deploy destroy clean

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "%-24s %s\n", $$1, $$2 }'

environment: ## create .venv from the lock files if it is missing (every target does this)
	@sh tools/bootstrap.sh $(PAGE)

test-environment: ## add the test and lint tools to .venv (the targets that need them do this)
	@sh tools/bootstrap.sh --tests

page: environment ## rebuild the web page if its sources changed (a new .venv already contains it)
	@$(BIN)/python services/webrtc-agent/hatch_build.py

run: environment ## start phone and web service on port 7860; needs no cloud account
	@$(BIN)/voice-agent run

# Reject a misspelt variable: the command would ignore it and make a silent call.
call: export UNKNOWN_VARIABLES = $(strip $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name))))
call: environment ## call the agent: SAY="…" or WAV=, TO= (a number), DTMF=, BARGE_IN=1.5s, CALLS=, LATE=5s, SAVE=, EXPECT_TOOL=, EXPECT_TEXT=, URL=
	@$(BIN)/voice-agent call \
		$${SAY:+--say "$$SAY"} $${TO:+--to "$$TO"} $${WAV:+--wav "$$WAV"} $${DTMF:+--dtmf "$$DTMF"} $${BARGE_IN:+--barge-in "$$BARGE_IN"} \
		$${CALLS:+--calls "$$CALLS"} $${LATE:+--late "$$LATE"} $${SAVE:+--save "$$SAVE"} $${URL:+--url "$$URL"} \
		$${EXPECT_TOOL:+--expect-tool "$$EXPECT_TOOL"} $${EXPECT_TEXT:+--expect-text "$$EXPECT_TEXT"}

isolated-tools: environment ## install tools with conflicting dependencies, each in an isolated environment
	@$(BIN)/python -m tools.isolated_env checkov client-aws-sdk client-firefox client-livekit client-pipecat client-strands client-node client-web

clients: test-environment ## test every published pair of Pipecat web client and transport against the services; print the table
	@$(BIN)/python -m tools.isolated_env client-web client-web-rest
	@EVERY_CLIENT=yes $(BIN)/pytest -m "" -s tests/third_party/test_web_clients.py

test: lint ## check a change: lint, types, import contracts, and all tests except the thorough ones
	@$(BIN)/pytest --junitxml=.run/reports/test.xml

test-all: test test-rest ## run every test, as CI does

test-rest: test-environment isolated-tools ## run the thorough tests: faults, browser, containers, checkov, third-party clients, deployments during calls
	@$(BIN)/pytest -m thorough --junitxml=.run/reports/test-rest.xml

faults: test-environment ## run the whole catalogue of faults and threats, by number
	@$(BIN)/pytest -m "" -k "test_fault_ or test_threat_" --every-number

soak: test-environment ## run 20 callers for an hour with faults in 5 % of the calls and one crashing task: MINUTES=, CALLS=, FAULTS=, TRANSPORT=h2
	@$(BIN)/python -m tests.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(CALLS),--callers $(CALLS)) $(if $(FAULTS),--faults $(FAULTS)) \
		$(if $(TRANSPORT),--transport $(TRANSPORT))

endurance: test-environment ## run 10 web sessions for 17 minutes, with an abusive client in every second half minute: MINUTES=, VISITORS=
	@$(BIN)/python -m tests.endurance $(if $(MINUTES),--minutes $(MINUTES)) $(if $(VISITORS),--visitors $(VISITORS))

# Pipecat logs a greeting on import, before the importing program can configure its log.
fuzz costs: export LOGURU_AUTOINIT := False

fuzz: test-environment ## send a million mutated inputs to every entry point: RUNS=, SEED=, TARGET="sdp bodies"
	@$(BIN)/python -m tests.fuzzing $(TARGET) $(if $(RUNS),--runs $(RUNS)) $(if $(SEED),--seed $(SEED))

mutations: test-environment ## make 20 small changes to the code, one at a time; the tests should fail for each: COUNT=, SEED=, COMMAND=
	@$(BIN)/python -m tools.mutation $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) $(if $(COMMAND),--command "$(COMMAND)")

dates: test-environment ## run the tests with the clock set to 30 dates (needs libfaketime): DATES=, SEED=, TESTS=
	@$(BIN)/python -m tools.dates $(if $(DATES),--dates $(DATES)) $(if $(SEED),--seed $(SEED)) -- $(TESTS)

costs: test-environment ## measure the worst-case cost of one unauthenticated client (see SECURITY.md)
	@$(BIN)/pytest -q -s tests/integration/test_stranger_costs.py

pictures: test-environment ## save screenshots of every state of the page (light, dark, phone) to .run/pictures
	@SCREENSHOTS=.run/pictures $(BIN)/pytest -n 0 -q -m "" tests/e2e/browser/test_browser_states.py

readme-pictures: test-environment page ## make the pictures and the recording of the README again, from a run of the stand-ins
	@$(BIN)/python -m tools.readme_pictures

coverage: test-environment ## measure the branch coverage of the product and of the stand-ins: TESTS="tests/unit"
	@$(BIN)/python -m tools.branch_coverage $(TESTS)

audit: environment ## compare every pinned Python package with published advisories (pip-audit)
	@$(BIN)/python -m tools.isolated_env audit
	@failed=; for lock in requirements/*.txt; do echo "$$lock"; .venv/isolated/audit/bin/pip-audit --strict --require-hashes \
		--disable-pip --progress-spinner off --cache-dir .cache/pip-audit -r "$$lock" || failed=yes; done; [ -z "$$failed" ]

sbom: environment ## write the contents and licenses of each image to .run/sbom, as CycloneDX
	@$(BIN)/python -m tools.sbom

drill: test-environment ## deploy, roll back, scale in and kill a task during calls: CALLERS=20, VISITORS=4
	@CALLERS=$(or $(CALLERS),20) VISITORS=$(or $(VISITORS),4) $(BIN)/pytest -m "" -s tests/e2e/test_rolling_deployment.py

rollout: test-environment ## simulate ways to keep conversations while ECS replaces tasks, and compare them: RUNS=
	@$(BIN)/python -m tools.rollout_model $(if $(RUNS),--runs $(RUNS))

lint: test-environment ## check rules, format, types, import contracts, and the page's sources
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy -n auto
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python services/webrtc-agent/hatch_build.py check

format: test-environment ## format the code and apply automatic fixes
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

doctor: environment ## diagnose the machine, the settings, AWS and Twilio: ENVIRONMENT=test, TWILIO_NUMBER=, FIX=1, LIVE=1, YES=1
	@$(BIN)/voice-agent doctor $${ENVIRONMENT:+--environment "$$ENVIRONMENT"} $${TWILIO_NUMBER:+--twilio-number "$$TWILIO_NUMBER"} \
		$${FIX:+--fix} $${LIVE:+--live} $${YES:+--yes}

lock: environment ## compile the lock files after a dependency change; UPGRADE=1 upgrades to the newest versions
	@$(BIN)/python -m tools.lock $(if $(UPGRADE),--upgrade)

bench: environment ## measure calls per core and added latency, compared with a stock Pipecat agent; WEB=1 for visits of the web agent
	@$(BIN)/python -m tools.isolated_env client-pipecat
	@$(BIN)/voice-agent bench $(if $(WEB),--web)

deploy-plan: environment ## show what `deploy` would change, without changing it: ENVIRONMENT=test, IMAGES= (a pushed tag)
	@$(BIN)/voice-agent deploy-plan $${ENVIRONMENT:+--environment "$$ENVIRONMENT"} $${IMAGES:+--images "$$IMAGES"} $${TAG:+--tag "$$TAG"} \
		$${ROLE:+--role "$$ROLE"}

deploy: environment ## create or update an environment in AWS: ENVIRONMENT=test, IMAGES=, TAG=, TWILIO_NUMBER=, FOUNDATION=1, RESTART=1, YES=1
	@$(BIN)/voice-agent deploy $${ENVIRONMENT:+--environment "$$ENVIRONMENT"} $${IMAGES:+--images "$$IMAGES"} $${TAG:+--tag "$$TAG"} \
		$${TWILIO_NUMBER:+--twilio-number "$$TWILIO_NUMBER"} $${ADDRESS:+--address "$$ADDRESS"} $${ROLE:+--role "$$ROLE"} \
		$${FOUNDATION:+--foundation} $${RESTART:+--restart} $${YES:+--yes}

destroy: environment ## delete an environment, and list what remains: ENVIRONMENT=test, ROLE=, YES=1, UNPROTECT=1
	@$(BIN)/voice-agent destroy $${ENVIRONMENT:+--environment "$$ENVIRONMENT"} $${ROLE:+--role "$$ROLE"} $${YES:+--yes} \
		$${UNPROTECT:+--unprotect}

clean: ## remove what make created: .venv, the built page, caches, logs
	@rm -rf services/webrtc-agent/client/node_modules services/webrtc-agent/src/webrtc_agent/static
	@rm -rf .venv .venv.log .venv.lock .cache .python .run .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
