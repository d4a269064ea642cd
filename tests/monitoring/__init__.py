"""Alerts and dashboards: held to Prometheus itself and to its promtool."""
