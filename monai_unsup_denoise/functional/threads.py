"""Independent parts of a computation on several cores, one core each."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Part = TypeVar("Part")
Result = TypeVar("Result")


def map_in_threads(function: Callable[[Part], Result], parts: Iterable[Part]) -> Iterator[Result]:
    """``map`` on as many cores as PyTorch may use, each of which computes one part by itself.

    Many small operations are faster so than with all cores at each of them, above all beside other programs: all would
    wait for the core that was interrupted. Results do not depend on the number of cores.
    """
    count = torch.get_num_threads()
    with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            yield from pool.map(function, parts)
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(count)
