from lightning.pytorch import Trainer

from mcnet.training.lightning_quiet import EpochBar, quiet_lightning


def test_epochs_are_counted_from_one():
    bar = EpochBar()
    bar._trainer = Trainer(max_epochs=1, accelerator="cpu", logger=False, callbacks=[bar])
    assert bar._get_train_description(0) == "Epoch 1 of 1"


def test_the_bar_of_a_training_counts_so(capsys):
    """Lightning still asks the method that is replaced."""
    import torch
    from lightning.pytorch import LightningModule

    class TrainingModule(LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def training_step(self, batch):
            return self.layer(batch).mean()

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    with quiet_lightning():
        trainer = Trainer(
            max_epochs=2, accelerator="cpu", logger=False, callbacks=[EpochBar(leave=True)],
            enable_checkpointing=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(TrainingModule(), torch.utils.data.DataLoader(torch.ones(3, 1)))
    told = capsys.readouterr().out
    assert "Epoch 2 of 2" in told
    assert "Epoch 0" not in told
