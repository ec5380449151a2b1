# SPDX-License-Identifier: Apache-2.0
"""Families of random models for differential.py, one module for each kind of operator."""
