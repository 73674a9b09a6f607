"""Methods that do what real ones do: work, count, print, raise, crash, need memory, hang."""

import os
import sys
import time

import numpy as np

# What a library may print while it is loaded.
print("toy methods are loaded")


class Shrink:
    """Multiply by a factor; note each call in a file."""

    def __init__(self, factor=0.9, *, log=None, model=None):
        self.factor, self.log, self.model = factor, log, model

    def __call__(self, noisy, sigma):
        if self.log:
            with open(self.log, "a") as file:
                file.write(f"{self.factor} {sigma} {self.model}\n")
        return noisy * np.float32(self.factor)


class FindSigma:
    """Say that the noise is a tenth stronger than one is told."""

    def __call__(self, noisy, sigma):
        return noisy, 1.1 * sigma


class Talk:
    """Print on every way out, and ask on the way in."""

    def __call__(self, noisy, sigma):
        print("progress 10 %")
        os.write(1, b'{"seconds": 0}\n')
        os.system("echo from another process")
        assert sys.stdin.read() == ""
        return noisy


class Raise:
    """Fail at the second noise level."""

    def __call__(self, noisy, sigma):
        if sigma > 0.1:
            raise ArithmeticError("too noisy\nfor me")
        return noisy


class Crash:
    """End the process at the second noise level."""

    def __call__(self, noisy, sigma):
        if sigma > 0.1:
            print("segment 7 is at fault", file=sys.stderr, flush=True)
            os._exit(3)
        return noisy


class Killed:
    def __call__(self, noisy, sigma):
        os.kill(os.getpid(), 9)


class Unbuildable:
    """Note each attempt to make one."""

    def __init__(self, log):
        with open(log, "a") as file:
            file.write("tried\n")
        raise OSError("no licence")


class WrongShape:
    def __call__(self, noisy, sigma):
        return noisy[1:]


class NotNumbers:
    def __call__(self, noisy, sigma):
        return noisy * np.float32("nan")


class Memory:
    """Touch this many MiB, and let go of them."""

    def __init__(self, mib):
        self.mib = mib

    def __call__(self, noisy, sigma):
        block = np.ones((self.mib, 2**20), dtype=np.uint8)
        return noisy + np.float32(block[0, 0] - 1)


class Sleep:
    def __init__(self, seconds, mark=None):
        self.seconds, self.mark = seconds, mark

    def __call__(self, noisy, sigma):
        if self.mark:
            with open(self.mark, "w") as file:
                file.write(str(os.getpid()))
        time.sleep(self.seconds)
        return noisy


class Smooth:
    """Average neighbours along the first axis; refuse to work without the spectrum of the noise."""

    def __call__(self, noisy, sigma, spectrum):
        if spectrum.shape != noisy.shape or abs(spectrum.mean() - 1) > 1e-6:
            raise ValueError("no spectrum")
        return (noisy + np.roll(noisy, 1, axis=0) + np.roll(noisy, -1, axis=0)) / 3, 2 * sigma


class ReadNoise:
    """Report the sigma that it is told, and the correlation of neighbours by the spectrum that it is told."""

    def __call__(self, noisy, sigma, spectrum=None):
        if spectrum is None:
            return noisy, sigma, (0.0, -0.1, 0.0)
        r = np.fft.ifftn(spectrum).real
        return noisy, sigma, np.array([r[1, 0, 0], r[0, 1, 0], r[0, 0, 1]]) / r[0, 0, 0]
