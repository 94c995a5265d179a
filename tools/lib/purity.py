#!/usr/bin/env python3
"""Placeholder that the next commit replaces: accepts every archive."""
