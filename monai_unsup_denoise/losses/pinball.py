"""The loss whose minimum is a quantile."""

from torch import Tensor


def pinball_loss(predicted: Tensor, actual: Tensor, share: float) -> Tensor:
    """``max(share (y - q), (1 - share) (q - y))`` of each element; its mean is least where a ``share`` of y is below q.

    Koenker R, Bassett G (1978). Regression quantiles. Econometrica 46(1):33-50, equation (2.2).
    """
    above = actual - predicted
    return (share * above).maximum((share - 1) * above)
