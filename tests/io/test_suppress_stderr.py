"""What libraries print on stderr is dropped, and only then."""

import os
import threading

from monai_unsup_denoise.io.suppress_stderr import suppress_stderr


def test_threads_that_overlap_put_stderr_back(capfd):
    entered, leave = threading.Event(), threading.Event()

    def beside():
        with suppress_stderr():
            entered.set()
            leave.wait(10)

    other = threading.Thread(target=beside)
    with suppress_stderr():
        other.start()
        entered.wait(0.1)  # it cannot yet
        os.write(2, b"dropped")
    leave.set()
    other.join()
    os.write(2, b"printed")
    assert capfd.readouterr().err == "printed"
