from mnist_app.ui.compare.search_results import values_text


def test_the_values_of_a_trial_are_written_in_words():
    values = {"learning_rate": 0.01, "batch_norm": True, "subset": None, "optimizer": "sgd"}
    assert values_text(values) == "learning rate 0.01, batch norm on, subset all, optimizer sgd"
