"""Events in landing order: by the time received, then by messageId."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from profiles_sync.pipeline.compiled import compiled


def landing_order(received_at: NDArray[np.int64], message_ids: pa.StringArray) -> NDArray[np.int64]:
    """The indices of the events in landing order; two that tie stay as they are.

    Texts are compared by their UTF-8 bytes, which is the order of their code points.
    """
    order = np.argsort(received_at, kind="stable")
    _, offsets, data = message_ids.buffers()
    at = np.frombuffer(offsets, np.int32)[message_ids.offset : message_ids.offset + len(message_ids) + 1]
    text = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    _sort_ties(received_at, order, at.astype(np.int64), text, np.empty_like(order))
    return order


@compiled
def _sort_ties(received_at, order, offsets, text, spare):
    begin = 0
    while begin < len(order):
        end = begin + 1
        while end < len(order) and received_at[order[end]] == received_at[order[begin]]:
            end += 1
        width = 1
        while width < end - begin:  # a merge sort from the bottom, stable
            low = begin
            while low < end:
                middle, high = min(low + width, end), min(low + 2 * width, end)
                left, right = low, middle
                for at in range(low, high):
                    if left < middle and (right >= high or not _less(order[right], order[left], offsets, text)):
                        spare[at] = order[left]
                        left += 1
                    else:
                        spare[at] = order[right]
                        right += 1
                low = high
            order[begin:end] = spare[begin:end]
            width *= 2
        begin = end


@compiled
def _less(one, other, offsets, text):
    here, there = offsets[one], offsets[other]
    here_end, there_end = offsets[one + 1], offsets[other + 1]
    while here < here_end and there < there_end:
        if text[here] != text[there]:
            return text[here] < text[there]
        here += 1
        there += 1
    return here_end - here < there_end - there
