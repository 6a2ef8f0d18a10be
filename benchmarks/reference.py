"""How networks are usually trained: what a reader of the tutorials writes, for comparison."""

import time

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Subset
from torchvision import transforms
from torchvision.datasets import MNIST

from mnist_app import models
from mnist_app.digits import Digits
from mnist_app.recipes import Recipe
from mnist_app.settings import data_folder

SPEED_RUN_BATCH = 256


def usual_loader(recipe: Recipe, count: int) -> DataLoader:
    """The first `count` training images of MNIST, read and augmented one by one."""
    steps = [transforms.ToTensor()]
    if recipe.rotation or recipe.shift or recipe.zoom or recipe.shear:
        shift = recipe.shift / 28
        affine = transforms.RandomAffine(
            recipe.rotation,
            translate=(shift, shift),
            scale=(1 - recipe.zoom, 1 + recipe.zoom),
            shear=recipe.shear or None,
        )
        steps.insert(0, affine)
    digits = MNIST(str(data_folder()), train=True, transform=transforms.Compose(steps))
    return DataLoader(Subset(digits, range(count)), batch_size=recipe.batch_size, shuffle=True)


def usual_optimizer(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimizer, as torch makes it."""
    rate, decay = recipe.learning_rate, recipe.l2
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), rate, recipe.momentum, weight_decay=decay)
    kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.AdamW
    return kind(model.parameters(), rate, weight_decay=decay)


def usual_epoch(recipe: Recipe, digits: Digits) -> tuple[nn.Module, float]:
    """Train the recipe's network for one epoch: the network, and the seconds it took.

    Args:
        recipe: of its augmentation, what torchvision has is used.
        digits: the first so many of MNIST's training images.
    """
    torch.manual_seed(recipe.seed)
    loader = usual_loader(recipe, len(digits))
    start = time.perf_counter()
    model = models.from_recipe(recipe)
    optimizer = usual_optimizer(recipe, model)
    schedule = _usual_schedule(recipe, optimizer, len(loader))
    model.train()
    running_loss, correct = 0.0, 0
    for images, labels in loader:
        optimizer.zero_grad()
        logits = model(images)
        loss = _usual_loss(recipe, logits, labels)
        loss.backward()
        optimizer.step()
        schedule.step()
        running_loss += loss.item()
        correct += (logits.argmax(dim=1) == labels).sum().item()
    return model.eval(), time.perf_counter() - start


def _usual_schedule(
    recipe: Recipe, optimizer: torch.optim.Optimizer, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    if recipe.schedule == "one_cycle":
        return torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, steps)
    return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1)


def _usual_loss(recipe: Recipe, logits: Tensor, labels: Tensor) -> Tensor:
    if recipe.loss == "cross_entropy":
        return functional.cross_entropy(logits, labels)
    one_hot = functional.one_hot(labels, logits.shape[1]).float()
    targets = one_hot * (1 - 2 * recipe.target_margin) + recipe.target_margin
    return functional.mse_loss(torch.sigmoid(logits), targets)


def speed_run(recipe: Recipe, digits: Digits) -> tuple[nn.Module, float]:
    """The best known public speed run: its network after one epoch, and the seconds it took.

    Convolutions of 24 (5x5) and 32 (3x3) channels and a dense layer of 256; Adam with betas 0.7
    and 0.9, one cycle up to a learning rate of 0.01, batches of 256 in the order of the file. All
    images are in memory. Of the recipe only the seed is used.
    """
    images, labels = digits.images, digits.labels
    torch.manual_seed(recipe.seed)
    model = nn.Sequential(
        *(nn.Conv2d(1, 24, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(24, 32, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(800, 256), nn.ReLU(), nn.Linear(256, 10)),
    )
    start = time.perf_counter()
    x = (images.unsqueeze(1).float() / 255 - 0.1307) / 0.3081
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, betas=(0.7, 0.9))
    steps = -(-len(x) // SPEED_RUN_BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=steps)
    for batch, target in zip(x.split(SPEED_RUN_BATCH), labels.split(SPEED_RUN_BATCH), strict=True):
        optimizer.zero_grad()
        functional.cross_entropy(model(batch), target).backward()
        optimizer.step()
        schedule.step()
    return model.eval(), time.perf_counter() - start
