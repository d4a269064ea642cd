"""Every name of prediction records on which two places must agree: servers, collectors, tables, alerts."""

from __future__ import annotations

#: What a record of a prediction is, as its field `schema` says it; what is known of a model in production.
RECORD_FORMAT, PRODUCTION_FORMAT = "aimass.prediction/v1", "aimass.production/v1"
#: Where a collector puts records below the store.
RAW_RECORDS_FOLDER = "raw"
#: How a column of personal data leaves a server: as a keyed hash, or not at all.
HASHED, OMITTED = "hash", "omit"
#: Where servers on a person's machine run, as records say it.
LOCAL_NAMESPACE = "local"
#: The volume by whose name a collector finds records on a node, and where servers have it.
RECORD_VOLUME, RECORD_MOUNT = "aimass-records", "/var/lib/aimass/records"
#: Where a server writes records, how much may lie there, what personal values are hashed with, where it runs.
VARIABLE_RECORD_FOLDER, VARIABLE_RECORD_BYTES = "AIMASS_RECORD_FOLDER", "AIMASS_RECORD_BYTES"
VARIABLE_RECORD_KEY, VARIABLE_NAMESPACE = "AIMASS_RECORD_KEY", "AIMASS_NAMESPACE"
#: Gauges of the quality in production; labels: model, namespace, version, and of the first metric and kind.
SERIES_QUALITY = "aimass_quality"
#: Further labels: metric, condition, slice, sure.
SERIES_QUALITY_MISSED = "aimass_quality_gate_missed"
SERIES_QUALITY_ROWS = "aimass_quality_rows"
SERIES_QUALITY_COVERAGE = "aimass_quality_coverage_ratio"
SERIES_QUALITY_TIME = "aimass_quality_timestamp_seconds"

#: How long records are kept where the spec does not say it.
KEPT_DAYS = 90
