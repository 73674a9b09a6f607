#!/bin/sh
# A BIDS App starts with a folder: `/data /out participant`. Everything else is a command or option of mri-denoise.
case "${1-}" in
    -*) ;;
    */*) set -- bids "$@" ;;
esac
exec mri-denoise "$@"
