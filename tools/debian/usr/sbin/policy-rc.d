#!/bin/sh
# No service starts while packages are being configured. The second stage removes this file.
exit 101
