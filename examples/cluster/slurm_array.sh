#!/usr/bin/env bash
# A BIDS dataset on a SLURM cluster, one shard for each job of an array: sbatch slurm_array.sh BIDS_DIR OUTPUT_DIR
# Give the same command again after a failure: what is done is skipped.
#SBATCH --job-name=mri-denoise
#SBATCH --array=1-8
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=04:00:00
#SBATCH --requeue
set -euo pipefail
shards=8 # as in --array, also where only some of the jobs are submitted again

exec mri-denoise bids "$1" "$2" participant --shard "$SLURM_ARRAY_TASK_ID/$shards" --threads "$SLURM_CPUS_PER_TASK" "${@:3}"
