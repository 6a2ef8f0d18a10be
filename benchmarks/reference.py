"""The usual way to train networks, as tutorials teach it, for comparison."""

import time

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Subset
from torchvision import transforms
from torchvision.datasets import MNIST

from mnist_app.common.settings import data_folder
from mnist_app.data.labelled_images import Digits
from mnist_app.networks import models
from mnist_app.networks.layers import Scale
from mnist_app.recipes.recipe import PIXEL_DEVIATION, PIXEL_MEAN, Recipe
from mnist_app.training.device import best_device

SPEED_RUN_BATCH = 256


def usual_loader(recipe: Recipe, count: int) -> DataLoader:
    """Return a loader of MNIST's first `count` training images, read and augmented one by one."""
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
    """Make the recipe's optimizer directly with torch."""
    rate, decay = recipe.learning_rate, recipe.l2
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), rate, recipe.momentum, weight_decay=decay)
    kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.AdamW
    betas = recipe.beta1, recipe.beta2
    return kind(model.parameters(), rate, betas=betas, weight_decay=decay)


def usual_epoch(recipe: Recipe, digits: Digits) -> tuple[nn.Module, float]:
    """Train the recipe's network for one epoch; return the network and the seconds of its steps.

    Args:
        recipe: only the augmentation that torchvision offers is used.
        digits: the first training images of MNIST; only their number matters.
    """
    torch.manual_seed(recipe.seed)
    loader = usual_loader(recipe, len(digits))
    device = best_device()
    model = models.from_recipe(recipe).to(device)
    optimizer = usual_optimizer(recipe, model)
    schedule = _usual_schedule(recipe, optimizer, len(loader))
    model.train()
    running_loss, correct = 0.0, 0
    start = time.perf_counter()
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()
        logits = model(images)
        loss = _usual_loss(recipe, logits, labels)
        loss.backward()
        optimizer.step()
        schedule.step()
        running_loss += loss.item()
        correct += (logits.argmax(dim=1) == labels).sum().item()
    return model.eval(), time.perf_counter() - start  # .item() waits for a GPU


def _usual_schedule(
    recipe: Recipe, optimizer: torch.optim.Optimizer, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """Make the recipe's schedule for its first epoch, in which the schedule "steps" is constant."""
    if recipe.schedule == "cosine":
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.epochs * steps)
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
    """Do the best known public speed run; return its network and the seconds of its one epoch.

    Convolutions of 24 (5x5) and 32 (3x3) channels, pooled before the ReLU, and a dense layer of
    256; Adam with betas 0.7 and 0.9, one cycle up to a learning rate of 0.01, batches of 256 in
    the order of the file. The normalised images are in memory before the clock starts. Only
    the recipe's seed is used.
    Source: github.com/tuomaso/train_mnist_fast, rewritten from its description.
    """
    device = best_device()
    images, labels = digits.images.to(device), digits.labels.to(device)
    x = (images.unsqueeze(1).float() / 255 - PIXEL_MEAN) / PIXEL_DEVIATION
    torch.manual_seed(recipe.seed)
    start = time.perf_counter()
    model = nn.Sequential(
        *(nn.Conv2d(1, 24, 5), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Conv2d(24, 32, 3), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(800, 256), nn.ReLU(), nn.Linear(256, 10)),
    ).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, betas=(0.7, 0.9))
    steps = -(-len(x) // SPEED_RUN_BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.01, total_steps=steps, cycle_momentum=False
    )
    for batch, target in zip(x.split(SPEED_RUN_BATCH), labels.split(SPEED_RUN_BATCH), strict=True):
        optimizer.zero_grad()
        functional.cross_entropy(model(batch), target).backward()
        optimizer.step()
        schedule.step()
    model[-1].weight.sum().item()  # waits for a GPU
    seconds = time.perf_counter() - start
    scale = Scale(1 / PIXEL_DEVIATION, -PIXEL_MEAN / PIXEL_DEVIATION)
    return nn.Sequential(scale, *model).eval(), seconds
