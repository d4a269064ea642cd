"""The tickets by trl's SFTTrainer: the same rows, adapter, batches and schedule."""

import json
import math
import sys
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer


def rows(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield {
            "prompt": [{"role": "user", "content": row["prompt"]}],
            "completion": [{"role": "assistant", "content": row["answer"]}],
        }


def main(data, base, out, threads):
    torch.set_num_threads(threads)
    train, watched = (
        Dataset.from_list(list(rows(data / f"{name}.jsonl"))) for name in ("train", "validation")
    )
    settings = SFTConfig(
        output_dir=str(out),
        num_train_epochs=3,
        per_device_train_batch_size=16,
        per_device_eval_batch_size=16,
        learning_rate=0.005,
        weight_decay=0.0,
        lr_scheduler_type="constant",
        max_grad_norm=0.0,
        max_length=96,
        completion_only_loss=True,
        eval_strategy="epoch",
        save_strategy="epoch",
        load_best_model_at_end=True,
        report_to=[],
        seed=7,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        dataloader_pin_memory=False,
        disable_tqdm=True,
        logging_strategy="no",
    )
    adapter = LoraConfig(
        r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    model = AutoModelForCausalLM.from_pretrained(str(base), dtype=torch.float32)
    trainer = SFTTrainer(model, args=settings, train_dataset=train, eval_dataset=watched, peft_config=adapter)
    trainer.train()
    trainer.save_model(str(out / "adapter"))
    reached = {"perplexity": math.exp(trainer.evaluate()["eval_loss"])}
    (out / "reached.json").write_text(json.dumps(reached), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
