"""The address at which others reach the app."""

import pytest

from mnist_app.common import network_address


@pytest.mark.parametrize("address", ["localhost", "LOCALHOST", "127.0.0.1", "127.0.0.2", "::1"])
def test_nobody_else_reaches_a_server_on_this_machine_alone(address):
    assert not network_address.is_reached_by_others(address)


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.168.1.5", "laptop.local"])
def test_others_reach_any_other_server(address):
    assert network_address.is_reached_by_others(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://digits.school/?tab=Draw",
        "https://192.168.1.5:8501/",
        "http://localhost:8501/",
        "http://LOCALHOST/",
        "http://localhost.:8501/",
        "http://digits.localhost:8501/",
        "http://127.0.0.1:8501/",
        "http://127.1.2.3/",
        "http://[::1]:8501/",
    ],
)
def test_browsers_give_the_camera_to_pages_over_https_and_of_this_machine(url):
    assert network_address.is_secure_context(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://192.168.1.5:8501/",
        "http://10.0.0.7/?tab=Draw",
        "http://[fe80::2]:8501/",
        "http://laptop.local:8501/",
        "http://localhost.evil.example/",
        "http://notlocalhost/",
        "http://0.0.0.0:8501/",
        "http://[::1",
        "http:///",
        "localhost:8501",
        "",
    ],
)
def test_browsers_give_the_camera_to_no_other_page(url):
    assert not network_address.is_secure_context(url)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://192.168.1.5:8501/?network=canvas#x", "http://192.168.1.5:8501/"),
        ("https://digits.school/app/?tab=Train", "https://digits.school/app/"),
        ("http://localhost:8501/", "http://10.0.0.7:8501/"),
        ("http://[::1]:8501", "http://10.0.0.7:8501"),
        ("http://[fe80::2]:8501/", "http://[fe80::2]:8501/"),
    ],
)
def test_the_address_for_others_is_one_they_can_open(monkeypatch, url, found):
    monkeypatch.setattr(network_address, "own_address", lambda: "10.0.0.7")
    assert network_address.for_others(url) == found


@pytest.mark.parametrize(
    ("configured", "url", "found"),
    [
        ("192.168.1.5", "http://172.17.0.2:8501/", "http://192.168.1.5:8501/"),
        ("192.168.1.5:80", "http://172.17.0.2:8501/?tab=Train", "http://192.168.1.5:80/"),
        ("digits.school", "https://localhost/app/", "https://digits.school/app/"),
        ("https://digits.school", "http://127.0.0.1:8501/", "https://digits.school/"),
        ("https://digits.school/app/", "http://127.0.0.1:8501/", "https://digits.school/app/"),
        ("[fe80::2]:8600", "http://localhost:8501/", "http://[fe80::2]:8600/"),
    ],
)
def test_an_address_that_was_set_wins_over_what_this_machine_believes(configured, url, found):
    """As in containers, WSL and VPNs, whose own address phones cannot reach."""
    assert network_address.for_others(url, configured) == found


def test_without_a_network_there_is_no_address_for_others(monkeypatch):
    monkeypatch.setattr(network_address, "own_address", lambda: None)
    assert network_address.for_others("http://localhost:8501/") is None


def test_the_machines_own_address_is_no_loopback():
    address = network_address.own_address()
    assert address is None or network_address.is_reached_by_others(address)
