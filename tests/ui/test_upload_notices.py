"""Uploads that a browser let through although they are too large."""

from streamlit.testing.v1 import AppTest


def test_a_picture_a_little_too_large_is_said_too():
    """Browsers on Windows count 1,048,576 bytes as a megabyte."""

    def page() -> None:
        import streamlit as st
        from streamlit.proto.Common_pb2 import FileURLs
        from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

        from mnist_app.common.errors import InputError
        from mnist_app.ui.draw import canvas

        record = UploadedFileRec("id", "photo.png", "image/png", bytes(20_000_001))
        try:
            canvas._ink_in(UploadedFile(record, FileURLs()))
        except InputError as error:
            st.error(error)

    shown = AppTest.from_function(page, default_timeout=180).run()
    assert not shown.exception
    assert shown.error[0].value.startswith("photo.png is larger than 20 MB: save it smaller")
