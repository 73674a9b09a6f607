"""Lets a torchvision built for CUDA be imported together with a torch built for the CPU.

Such a torchvision cannot load its C++ operators, and then stops at describing them: `operator torchvision::nms does not
exist`. MONAI Label needs none of them. `make label` installs this file as `sitecustomize.py` into its own environment,
and only where `import torchvision` fails; where the two builds match it is not needed.
"""

import sys
from importlib.abc import MetaPathFinder


class DeclareOperators(MetaPathFinder):
    """Declares the operators right before torchvision is imported, so that no other Python start pays for torch."""

    libraries = []  # a library that nobody holds takes its operators with it

    def find_spec(self, name, path, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch

            self.libraries.append(torch.library.Library("torchvision", "DEF"))
            for name in ("nms", "qnms"):
                self.libraries[0].define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return None


sys.meta_path.insert(0, DeclareOperators())
