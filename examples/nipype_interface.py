"""`mri-denoise denoise` as an interface of Nipype: copy this file into your workflow."""

from nipype.interfaces.base import CommandLine, CommandLineInputSpec, File, TraitedSpec, traits


class DenoiseInputSpec(CommandLineInputSpec):
    """One scan, and the options that matter most; others go into ``args``."""

    in_file = File(exists=True, mandatory=True, argstr="%s", position=0, desc="scan")
    out_file = File(
        argstr="%s",
        position=1,
        name_source=["in_file"],
        name_template="%s_denoised",
        keep_extension=True,
        desc="denoised scan",
    )
    model = File(exists=True, argstr="--model %s", desc="weights; by default those of the bundle")
    no_refine = traits.Bool(argstr="--no-refine", desc="skip the refinement stage")
    device = traits.Str(argstr="--device %s", desc="cpu, cuda:0, ...")
    num_threads = traits.Int(argstr="--threads %d", nohash=True, desc="threads")


class DenoiseOutputSpec(TraitedSpec):
    """The denoised scan and its sidecar with the noise level."""

    out_file = File(exists=True, desc="denoised scan")
    sidecar = File(exists=True, desc="estimated noise level")


class Denoise(CommandLine):
    """Denoise one MR magnitude image."""

    _cmd = "mri-denoise denoise"
    input_spec = DenoiseInputSpec
    output_spec = DenoiseOutputSpec

    def _list_outputs(self) -> dict[str, str]:
        outputs = super()._list_outputs()
        outputs["sidecar"] = outputs["out_file"].removesuffix(".gz").rpartition(".")[0] + ".json"
        return outputs
