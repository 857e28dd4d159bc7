#!/usr/bin/env bash
# One customer's whole way through the service, with curl and jq.
#
#   BASE_URL=http://127.0.0.1:8003 ADMIN_KEY=sk-admin-key-change-me bash full_chain.sh
set -euo pipefail

base_url=${BASE_URL:-http://127.0.0.1:8003}
base_url=${base_url%/}
admin_key=${ADMIN_KEY:-sk-admin-key-change-me}

answers=$(mktemp -d)
trap 'rm -rf "$answers"' EXIT

fail() {
  echo "FAILED: $1" >&2
  exit 1
}

# send METHOD PATH KEY FILE [BODY]: writes the answer to FILE and prints its status, for errors too.
send() {
  local method=$1 path=$2 key=$3 file=$4 body=${5:-}
  local options=(--silent --show-error --max-time 150 --output "$file" --write-out '%{http_code}')
  options+=(--request "$method" --header 'Content-Type: application/json')
  if [[ -n $body ]]; then options+=(--data "$body"); fi
  # The key goes in through a file, since every user of the machine can read a command line.
  curl "${options[@]}" --config - "$base_url$path" <<<"header = \"Authorization: Bearer $key\"" ||
    fail "$base_url does not answer"
}

# call METHOD PATH KEY [BODY]: sends a request that must succeed, and prints its answer.
call() {
  local file="$answers/answer" status
  status=$(send "$1" "$2" "$3" "$file" "${4:-}") || exit 1
  [[ $status == 200 ]] || fail "$1 $2 answered $status: $(cat "$file")"
  cat "$file"
}

# check FILTER JSON SENTENCE: the jq filter must be true of the JSON.
check() {
  jq --exit-status "$1" <<<"$2" >"$answers/checked" || fail "$3"
}

new_id() {
  od -An -N8 -tx1 /dev/urandom | tr -d ' \n'
}

run=$(new_id)
organization=example-$run
group=summaries-$run
team=example-$run-editors

# The operator sets the customer up, once, with the admin key.
body=$(jq -n --arg id "$organization" '{organization_id: $id, name: "Example Ltd"}')
call POST /api/organizations/create "$admin_key" "$body" >"$answers/organization"
body=$(jq -n --arg group "$group" '{
  group_name: $group, display_name: "Summaries",
  models: [{model_name: "gpt-4o-mini", priority: 0}, {model_name: "gpt-3.5-turbo", priority: 1}]
}')
call POST /api/model-groups/create "$admin_key" "$body" >"$answers/group"
body=$(jq -n --arg organization "$organization" --arg team "$team" --arg group "$group" '{
  organization_id: $organization, team_id: $team, model_groups: [$group], credits_allocated: 100
}')
created=$(call POST /api/teams/create "$admin_key" "$body")
echo "Team $team of $organization, model group $group: $(jq -r .credits_remaining <<<"$created") credits"

# From here on it is the customer's code, with the team's key. It is shown once only: keep it.
key=$(jq -r .virtual_key <<<"$created")
balance=$(call GET "/api/credits/teams/$team/balance" "$key")
check '.credits_remaining == 100' "$balance" 'a new team has its 100 credits'

# One job is one piece of work: as many calls as it takes, and one credit when it is completed.
job=$(call POST /api/jobs/create "$key" '{"job_type": "summary", "metadata": {"document": "report.txt"}}')
job_id=$(jq -r .job_id <<<"$job")
echo "Job $job_id is $(jq -r .status <<<"$job")"
while IFS=: read -r purpose question; do
  body=$(jq -n --arg group "$group" --arg purpose "$purpose" --arg question "$question" \
    '{model_group: $group, purpose: $purpose, messages: [{role: "user", content: $question}]}')
  answer=$(call POST "/api/jobs/$job_id/llm-call" "$key" "$body")
  jq -r --arg purpose "$purpose" '"  \($purpose): \(.metadata.tokens_used) tokens, " +
    "\(.metadata.latency_ms) ms, \(.response.content[:48] | tojson)"' <<<"$answer"
done <<'QUESTIONS'
outline:List the three parts of a good report.
draft:Write one sentence about each part.
polish:Shorten the text to twenty words.
QUESTIONS

completed=$(call POST "/api/jobs/$job_id/complete" "$key" '{"status": "completed"}')
cp "$answers/answer" "$answers/first"
jq -r '"Completed: \(.costs.total_calls) calls, \(.costs.credits_charged) credit charged"' <<<"$completed"
check '.costs | .total_calls == 3 and .successful_calls == 3' "$completed" 'the job has three successful calls'
check '.costs | .credit_applied and .credits_charged == 1' "$completed" 'a completed job costs one credit'

# A completion whose answer got lost may simply be sent again.
call POST "/api/jobs/$job_id/complete" "$key" '{"status": "completed"}' >"$answers/second"
cmp --silent "$answers/first" "$answers/second" || fail 'a repeated completion gives the same bytes'
echo 'Completed again: the same bytes'

failed_id=$(call POST /api/jobs/create "$key" '{"job_type": "summary"}' | jq -r .job_id)
body=$(jq -n --arg group "$group" '{
  model_group: $group, messages: [{role: "user", content: "Summarize an empty page."}]
}')
call POST "/api/jobs/$failed_id/llm-call" "$key" "$body" >"$answers/call"
body='{"status": "failed", "error_message": "The page was empty."}'
ended=$(call POST "/api/jobs/$failed_id/complete" "$key" "$body")
echo "Job $failed_id is $(jq -r '"\(.status): \(.costs.credits_charged)"' <<<"$ended") credits charged"
check '.costs.credits_charged == 0' "$ended" 'a failed job costs nothing'

# What the calls cost in dollars is for the operator, not for the team.
status=$(send GET "/api/jobs/$job_id/costs" "$key" "$answers/refused")
[[ $status == 403 ]] || fail "the team's key must not see costs, but the answer was $status"
costs=$(call GET "/api/jobs/$job_id/costs" "$admin_key")
check '.costs.total_calls == 3 and (.costs.breakdown | length) == 3' "$costs" 'the costs list all three calls'
LC_ALL=C printf 'The operator sees $%.6f; the team gets 403\n' "$(jq .costs.total_cost_usd <<<"$costs")"

balance=$(call GET "/api/credits/teams/$team/balance" "$key")
check '[.credits_allocated, .credits_used, .credits_remaining] == [100, 1, 99]' "$balance" \
  'of 100 credits 1 is used and 99 remain'
echo 'OK: 1 credit charged for 1 completed job'
