"""What both kinds of exports are tested on."""

import pytest

from schemas.export_formats import FORMATS


@pytest.fixture(params=FORMATS)
def kind(request):
    """Each format, where what writes and reads it is installed."""
    if request.param == "onnx":
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    return request.param
