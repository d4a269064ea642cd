"""Measurements that anyone can repeat, each in one command."""
