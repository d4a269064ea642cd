"""One secret of each kind that Yelp's detect-secrets knows by its form.

They are put together here, so that the repository holds nothing that scanners would call a secret.
"""

from __future__ import annotations

OF_KINDS = {
    "AWSKeyDetector": "AKIA" + "QYLPMN5HHHFPZAM2",
    "AWSKeyDetector, the other": 'aws_secret_key: "' + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzz" + 'zKEYaaaa"',
    "JFrog": "AKC" + "xXaB1234567890yz",
    "AzureStorageKeyDetector": "AccountKey=" + "lJzRc1YdHaAA2KCNJJ1tkYwF/+mKK6Ygw0NGe170Xu5" * 2 + "==",
    "BasicAuthDetector": "https://user:" + "s3cr3tpass@db.example.com/rows",
    "DiscordBotTokenDetector": "MTk4NjIyNDgzNDcxOTI1MjQ4" + ".Cl2FMQ." + "ZnCjm1XVW7vRze4b7Cq4se7kKWs",
    "GitHubTokenDetector": "ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx",
    "GitLabTokenDetector": "glpat-" + "hellOworld380_testin",
    "JwtTokenDetector": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N",
    "MailchimpDetector": "343ea45721923ed956e2b38c31db76aa" + "-us30",
    "OpenAIDetector": "sk-" + "Xi8tcNiHV9awbCcvilTeT3BlbkFJ" + "3UDnsGrWYSlZR4Ur8oyq",
    "PrivateKeyDetector": "-----BEGIN " + "OPENSSH PRIVATE KEY-----",
    "PypiTokenDetector": "pypi-" + "AgEIcHlwaS5vcmcCJDU3OTM1MjliLWIyYTYtNDEw" + "OC05NzRkLTM0MjNiNmEw" * 4,
    "SendGridDetector": "SG." + "ngeVfQFYQlKU0ufo8x5d1A." + "TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc-1s5cr",
    "SlackDetector": "xoxb-" + "34532454-e039d02840a0b9379c",
    "SlackDetector, an address": "https://hooks.slack.com/services/" + "Txxxxxx/Bxxxxxx/xxxxxxxxxxxx",
    "SquareOAuthDetector": "sq0csp-" + "ABCDEFGHIJK_LMNOPQRSTUVWXYZ-0123456789ab" + "cde",
    "StripeDetector": "sk_live_" + "ReTllpYQYfIZu2Jnf2lAPFjD",
    "TelegramBotTokenDetector": "110201543:" + "AAHdqTcvCH1vGWJxfSe1ofSAs0K5PALDsaw",
    "TwilioKeyDetector": "SK" + "fa1d3c7be2a54d0f9b6c8e7f01234567",
}
