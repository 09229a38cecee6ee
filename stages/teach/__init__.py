"""Make a teacher: fine-tune a pretrained encoder on the hard labels of the train split."""
