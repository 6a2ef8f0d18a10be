from mnist_app.common import machine

HERE = machine.machine_facts()


def test_a_machine_is_named_once_with_the_days_of_its_measurements():
    days = [{**HERE, "date": day} for day in ("2026-02-03", "2026-01-31", "2026-02-01")]
    assert machine.describe_machines(days).endswith("; 2026-01-31 to 2026-02-03")
    assert machine.describe_machines(days).count(HERE["torch"]) == 1
    assert machine.describe_machines(days[:1]).endswith("; 2026-02-03")


def test_figures_from_two_machines_name_both():
    text = machine.describe_machines([HERE, {**HERE, "cpu": "An abacus"}])
    assert text.startswith("Machines: ")
    assert HERE["cpu"] in text
    assert "An abacus" in text
