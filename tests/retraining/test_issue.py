"""People are asked in one issue a model, and closing it lets candidates go on."""

from __future__ import annotations

from aimass_compiler.programs.github_api import GithubApi
from aimass_compiler.programs.github_notes import closed_candidate_issue, keep_candidate_issue
from tests.harness import github_service


def test_one_issue_is_kept_and_who_closes_it_is_heard() -> None:
    with github_service.running() as service:
        variables = service.variables
        api = GithubApi(service.address, variables["GITHUB_REPOSITORY"], variables["GH_TOKEN"])
        assert closed_candidate_issue(api, "churn") == ""
        assert keep_candidate_issue(api, "churn", 3, "a gate") == "an issue was opened"
        assert keep_candidate_issue(api, "churn", 4, "worse") == "the issue was updated"
        assert keep_candidate_issue(api, "growth/churn", 3, "a gate") == "an issue was opened"
        assert [each["title"] for each in service.issues] == [
            "churn: candidates fail",
            "growth/churn: candidates fail",
        ]
        assert "4 candidates of `churn` failed" in service.issues[0]["body"]
        assert closed_candidate_issue(api, "churn") == ""
        service.issues[0] |= {"state": "closed", "closed_at": "2026-12-02T08:00:00Z"}
        assert closed_candidate_issue(api, "churn") == "2026-12-02T08:00:00Z"
        assert closed_candidate_issue(api, "growth/churn") == ""
