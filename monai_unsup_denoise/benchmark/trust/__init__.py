"""What a denoiser keeps and what it invents: lesions, spots side by side, tissue means, artefacts."""
