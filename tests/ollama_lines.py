"""What the pretended Ollama's answers look like on the wire."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from tests.ollama_script import Json, Model, Refused, full_name


def asked_in(body: Json) -> str:
    """The model's name as the request spells it, which is how Ollama answers."""
    asked = body.get("model") or body.get("name")
    if not asked:
        raise Refused(400, "model is required")
    return str(asked)


def tag_of(name: str, model: Model) -> Json:
    return {
        "name": full_name(name),
        "model": full_name(name),
        "modified_at": written(model.modified_at),
        "size": model.size,
        "digest": digest_of(name),
        "details": _details(model),
    }


def shown(name: str, model: Model) -> Json:
    answer: Json = {
        "modelfile": f"# FROM {full_name(name)}\n\nFROM /models/blobs/sha256-{digest_of(name)}\n",
        "parameters": model.parameters,
        "template": "{{ .Prompt }}",
        "details": _details(model),
        "model_info": {
            "general.architecture": model.architecture,
            f"{model.architecture}.context_length": model.context_length,
        },
        "capabilities": list(model.capabilities or ()),
        "modified_at": written(model.modified_at),
    }
    # Ollama leaves out what is empty, and old servers know of no capabilities.
    return {key: value for key, value in answer.items() if value}


def _details(model: Model) -> Json:
    family = model.architecture
    return {
        "parent_model": "",
        "format": "gguf",
        "family": family,
        "families": [family],
        "parameter_size": "3.2B",
        "quantization_level": "Q4_K_M",
    }


def chat_line(asked: str, **content: Any) -> Json:
    return {"model": asked, "created_at": written(datetime.now(UTC)), **content}


def last_line(asked: str, reason: str, *, used: int, said: int, load: int, answer: int) -> Json:
    """The line with the counts of tokens, and the nanoseconds that loading and answering took."""
    return chat_line(
        asked,
        message={"role": "assistant", "content": ""},
        done=True,
        done_reason=reason,
        total_duration=load + answer,
        load_duration=load,
        prompt_eval_count=used,
        prompt_eval_duration=100_000 * used,
        eval_count=said,
        eval_duration=answer,
    )


def written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def as_json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


@dataclass(frozen=True)
class Layer:
    """A part of a model's download, which begins `start` bytes into the whole."""

    digest: str
    start: int
    size: int

    def progress(self, downloaded: int) -> Json:
        completed = min(max(downloaded - self.start, 0), self.size)
        line: Json = {"status": f"pulling {self.digest[:12]}", "digest": f"sha256:{self.digest}", "total": self.size}
        # Ollama leaves out what is zero.
        return line | ({"completed": completed} if completed else {})


def layers_of(name: str, total: int) -> tuple[Layer, Layer]:
    """A large layer and a small one."""
    large = total - total // 10
    return Layer(digest_of(f"{name}/1"), 0, large), Layer(digest_of(f"{name}/2"), large, total - large)


def digest_of(name: str) -> str:
    return sha256(name.encode()).hexdigest()
