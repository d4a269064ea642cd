"""The folder in which a server finds who may ask, and the headers by which it knows keys and gateways."""

from __future__ import annotations

#: Where servers have it mounted, and the ConfigMap of the policy in it.
ACCESS_FOLDER = "/etc/aimass/access"
ACCESS_NAME = "{model}-access"
ACCESS_FORMAT = "aimass.access/v1"
ACCESS_FILE = "policy/access.json"
#: A file for each caller that has a key.
ACCESS_KEYS_FOLDER = "keys"
#: A folder for each issuer whose public keys are not fetched.
ACCESS_ISSUERS_FOLDER, ACCESS_ISSUER_KEYS = "issuers", "jwks.json"
#: What the gateway sends with each request, so that it is known.
ACCESS_CREDENTIAL = "gateway/credential"
KEY_HEADER, GATEWAY_HEADER = "x-api-key", "x-aimass-gateway"
#: Claims of tokens that are texts of several words, each of which counts. Source: RFC 8693, 4.2
CLAIMS_OF_WORDS = ("scope", "scp")
