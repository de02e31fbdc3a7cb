"""Networks: score models as torch modules, each with its configuration."""
