# Every target is a line over a program in .venv, so a machine without make loses nothing. Needs GNU make 3.81.

.DEFAULT_GOAL := help
BIN := .venv/bin

# A caller's sentence may hold an apostrophe or a dollar sign, so it reaches the command through the environment:
# no shell and no make reads it on the way.
CALL_VARIABLES := SAY WAV DTMF BARGE_IN CALLS LATE SAVE EXPECT_TOOL EXPECT_TEXT URL
$(foreach name,$(CALL_VARIABLES),$(eval override $(name) := $$(value $(name))))
export $(CALL_VARIABLES)
# What a shell sets for its own Python, Node or git must not reach ours.
unexport PYTHONPATH PYTHONHOME PYTHONOPTIMIZE PYTHONWARNINGS PYTHONINSPECT PYTHONSAFEPATH PYTHONDEVMODE NODE_OPTIONS
unexport GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

# The page is needed where it is asked for; a call does without.
PAGE := $(if $(filter environment,$(MAKECMDGOALS)),--page=required,$(if $(filter run,$(MAKECMDGOALS)),--page=wanted))

.PHONY: help environment test-environment page run call apart clients test test-all test-rest faults soak endurance fuzz mutations dates costs pictures coverage audit sbom drill rollout lint format doctor lock bench deploy-plan deploy destroy clean

help: ## list what can be made
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

environment: ## make .venv from the locks, unless it is there (every target does)
	@sh tools/bootstrap.sh $(PAGE)

test-environment: ## add to .venv what tests and checks need (their targets do)
	@sh tools/bootstrap.sh --tests

page: environment ## build the visitor's page again where its sources changed (a new .venv has it already)
	@$(BIN)/python services/webrtc-agent/hatch_build.py

run: environment ## start everything on port 7860, page and telephone; needs no account
	@$(BIN)/voice-agent run

# A misspelt variable would be a call in which nothing is said.
call: export UNKNOWN_VARIABLES = $(strip $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name))))
call: environment ## call the agent: SAY="…" or WAV=, DTMF=, BARGE_IN=1.5s, CALLS=, LATE=5s, SAVE=, EXPECT_TOOL=, EXPECT_TEXT=, URL=
	@$(BIN)/voice-agent call \
		$${SAY:+--say "$$SAY"} $${WAV:+--wav "$$WAV"} $${DTMF:+--dtmf "$$DTMF"} $${BARGE_IN:+--barge-in "$$BARGE_IN"} \
		$${CALLS:+--calls "$$CALLS"} $${LATE:+--late "$$LATE"} $${SAVE:+--save "$$SAVE"} $${URL:+--url "$$URL"} \
		$${EXPECT_TOOL:+--expect-tool "$$EXPECT_TOOL"} $${EXPECT_TEXT:+--expect-text "$$EXPECT_TEXT"}

apart: environment ## make the environments of programs whose needs do not go with ours
	@$(BIN)/python -m tools.isolated_env checkov client-aws-sdk client-firefox client-livekit client-pipecat client-strands client-node client-web

clients: test-environment ## have every published pair of Pipecat's web client and transport talk with the product, and print the table
	@$(BIN)/python -m tools.isolated_env client-web client-web-rest
	@EVERY_CLIENT=yes $(BIN)/pytest -m "" -s tests/third_party/test_web_clients.py

test: lint ## what gives confidence in a change: lint, types, import contracts, and all tests but the thorough ones
	@$(BIN)/pytest --junitxml=.run/reports/test.xml

test-all: test test-rest ## every test there is, which is what CI runs

test-rest: test-environment apart ## the thorough tests: faults, browser, containers, checkov, others' clients, deployments while people talk
	@$(BIN)/pytest -m thorough --junitxml=.run/reports/test-rest.xml

faults: test-environment ## the whole catalogue of faults and threats by number
	@$(BIN)/pytest -m "" -k "test_fault_ or test_threat_" --every-number

soak: test-environment ## twenty callers for an hour, faults in 5 % of the calls, a task that dies: MINUTES=, CALLS=, FAULTS=
	@$(BIN)/python -m tests.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(CALLS),--callers $(CALLS)) $(if $(FAULTS),--faults $(FAULTS))

endurance: test-environment ## ten visitors for ten minutes, next to an abusive one in every second half minute: MINUTES=, VISITORS=
	@$(BIN)/python -m tests.endurance $(if $(MINUTES),--minutes $(MINUTES)) $(if $(VISITORS),--visitors $(VISITORS))

# Pipecat greets in the log of every program that loads it, before that program can say what it wants to hear.
fuzz costs: export LOGURU_AUTOINIT := False

fuzz: test-environment ## feed every way in a million mutated inputs: RUNS=, SEED=, TARGET="sdp bodies"
	@$(BIN)/python -m tests.fuzzing $(TARGET) $(if $(RUNS),--runs $(RUNS)) $(if $(SEED),--seed $(SEED))

mutations: test-environment ## change the code in twenty small ways; the tests should notice each: COUNT=, SEED=, COMMAND=
	@$(BIN)/python -m tools.mutation $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) $(if $(COMMAND),--command "$(COMMAND)")

dates: test-environment ## run the tests with the clock set to thirty dates (Debian: libfaketime): DATES=, SEED=, TESTS=
	@$(BIN)/python -m tools.dates $(if $(DATES),--dates $(DATES)) $(if $(SEED),--seed $(SEED)) -- $(TESTS)

costs: test-environment ## measure what one stranger costs at most, as SECURITY.md promises it
	@$(BIN)/pytest -q -s tests/integration/test_stranger_costs.py

pictures: test-environment ## take pictures of every state of the page, light, dark and on a phone, into .run/pictures
	@SCREENSHOTS=.run/pictures $(BIN)/pytest -n 0 -q -m "" tests/e2e/browser/test_browser_states.py

coverage: test-environment ## measure which branches the tests take, of the product and of the stand-ins: TESTS="tests/unit"
	@$(BIN)/python -m tools.branch_coverage $(TESTS)

audit: environment ## compare every pinned Python package with published advisories (pip-audit)
	@$(BIN)/python -m tools.isolated_env audit
	@failed=; for lock in requirements/*.txt; do echo "$$lock"; .venv/apart/audit/bin/pip-audit --strict --require-hashes \
		--disable-pip --progress-spinner off --cache-dir .cache/pip-audit -r "$$lock" || failed=yes; done; [ -z "$$failed" ]

sbom: environment ## write down what is in each image and under which license, as CycloneDX, into .run/sbom
	@$(BIN)/python -m tools.sbom

drill: test-environment ## a deployment, a rollback, a scale-in and a task that dies while people talk: CALLERS=20, VISITORS=4
	@CALLERS=$(or $(CALLERS),20) VISITORS=$(or $(VISITORS),4) $(BIN)/pytest -m "" -s tests/e2e/test_rolling_deployment.py

rollout: test-environment ## compare, in a model, ways to keep conversations while ECS replaces tasks: RUNS=
	@$(BIN)/python -m tools.rollout_model $(if $(RUNS),--runs $(RUNS))

lint: test-environment ## rules, format, types, import contracts, and the page's own checks
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy -n auto
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python services/webrtc-agent/hatch_build.py check

format: test-environment ## apply the format and the rules that can fix themselves
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

doctor: environment ## find out why it does not answer: ENVIRONMENT=test, TWILIO_NUMBER=, FIX=1, LIVE=1, YES=1
	@$(BIN)/voice-agent doctor $${ENVIRONMENT:+--environment "$$ENVIRONMENT"} $${TWILIO_NUMBER:+--twilio-number "$$TWILIO_NUMBER"} \
		$${FIX:+--fix} $${LIVE:+--live} $${YES:+--yes}

lock: environment ## pin again after a change of dependencies; UPGRADE=1 takes the newest versions
	@$(BIN)/python -m tools.lock $(if $(UPGRADE),--upgrade)

bench: environment ## measure calls per core and added latency beside a stock Pipecat agent
	@$(BIN)/python -m tools.isolated_env client-pipecat
	@$(BIN)/voice-agent bench

deploy-plan: environment ## show what deploy would do, and do nothing: ENVIRONMENT=test, IMAGES= (a tag pushed before)
	@$(BIN)/voice-agent deploy-plan $${ENVIRONMENT:+--environment "$$ENVIRONMENT"} $${IMAGES:+--images "$$IMAGES"} $${TAG:+--tag "$$TAG"} \
		$${ROLE:+--role "$$ROLE"}

deploy: environment ## make or update an environment in AWS: ENVIRONMENT=test, IMAGES=, TAG=, TWILIO_NUMBER=, FOUNDATION=1, RESTART=1, YES=1
	@$(BIN)/voice-agent deploy $${ENVIRONMENT:+--environment "$$ENVIRONMENT"} $${IMAGES:+--images "$$IMAGES"} $${TAG:+--tag "$$TAG"} \
		$${TWILIO_NUMBER:+--twilio-number "$$TWILIO_NUMBER"} $${ADDRESS:+--address "$$ADDRESS"} $${ROLE:+--role "$$ROLE"} \
		$${FOUNDATION:+--foundation} $${RESTART:+--restart} $${YES:+--yes}

destroy: environment ## take an environment away, and say what stays: ENVIRONMENT=test, ROLE=, YES=1, UNPROTECT=1
	@$(BIN)/voice-agent destroy $${ENVIRONMENT:+--environment "$$ENVIRONMENT"} $${ROLE:+--role "$$ROLE"} $${YES:+--yes} \
		$${UNPROTECT:+--unprotect}

clean: ## remove what make made: .venv, the page, caches, logs
	@rm -rf services/webrtc-agent/client/node_modules services/webrtc-agent/src/webrtc_agent/static
	@rm -rf .venv .venv.log .venv.lock .cache .python .run .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
