"""OpenAI's embeddings, moderations, sound and images, and the runs of its assistants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...dialect import Dialect, Endpoint, no_op_rows
from ...progress import Progress
from ..openai_chat import HOSTS, REFERENCE, ChatProgress

_TRANSCRIPTION = f"{REFERENCE}/audio/createTranscription#audio-createtranscription-*"
_IMAGES = f"{REFERENCE}/images/create#images-create-*"
_EDITS = f"{REFERENCE}/images/createEdit#images-createedit-*"


class ImageProgress(Progress):
    """One event `….completed` for each of the images that were asked for."""

    name = "openai images"
    needs_terminal = True

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return name.startswith(("image_generation.", "image_edit."))

    def take(self, name: str, value: dict[str, Any]) -> None:
        if name in ("image_generation.completed", "image_edit.completed"):
            self.finish(len(self.reasons), "completed")
            self.terminal = len(self.reasons) >= self._wanted()

    def _wanted(self) -> int:
        wanted = self.asked().get("n")  # a number, or a form's text
        return int(wanted) if isinstance(wanted, (int, str)) and str(wanted).isdecimal() else 1


class SoundProgress(Progress):
    """Transcriptions and speech: deltas, and one event that ends them."""

    name = "openai audio"
    fillers = ("audio", "delta")
    needs_terminal = True
    _ENDS = ("transcript.text.done", "speech.audio.done", "transcription.done")

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return name.startswith(("transcript.", "speech.audio.", "transcription."))

    def take(self, name: str, value: dict[str, Any]) -> None:
        self.terminal = name in self._ENDS


class TranscriptionProgress(ChatProgress):
    """What vLLM hears, in chunks of a chat: each part of a long sound has a reason, and `[DONE]` ends them all.

    https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#transcriptions-api
    """

    name = "vllm transcription"

    @property
    def finished(self) -> bool:
        return False


class RunProgress(Progress):
    """A run of an assistant: its objects as they come, ended by `[DONE]`."""

    name = "openai runs"
    fillers = ("arguments", "input", "value")
    needs_terminal = True

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return name.startswith("thread.") or str(value.get("object")).startswith("thread.")

    def take(self, name: str, value: dict[str, Any]) -> None:
        self.failed = self.failed or name == "thread.run.failed"


DIALECT = Dialect(
    name="openai media",
    provider="openai",
    hosts=HOSTS,
    endpoints=(
        Endpoint(
            ("/embeddings",),
            f"{REFERENCE}/embeddings/create",
            ("input", "inputs", "prompt", "content"),
        ),
        Endpoint(("/moderations",), f"{REFERENCE}/moderations/create", ("input",)),
        Endpoint(
            ("/audio/speech", "/audio/transcriptions", "/audio/translations"),
            f"{REFERENCE}/audio: transcript.text.done, speech.audio.done",
            ("file", "input", "model"),
            forms=(SoundProgress, TranscriptionProgress),
            other_media=True,
        ),
        Endpoint(
            ("/images/generations", "/images/edits", "/images/variations"),
            f"{REFERENCE}/images-streaming: one completed event an image",
            ("prompt", "image", "image[]", "images"),
            forms=(ImageProgress,),
        ),
        Endpoint(
            ("/threads/runs", "/threads/*/runs", "/threads/*/runs/*/submit_tool_outputs"),
            f"{REFERENCE}/assistants-streaming/events: event done, data [DONE]",
            kind="state",
            forms=(RunProgress,),
        ),
    ),
    no_ops=(
        *no_op_rows(
            r"/v1/embeddings",
            f"{REFERENCE}/embeddings/create#embeddings-create-*",
            {"encoding_format": "float"},
        ),
        # where model is left out, a parameter that only some models take chooses the model
        *no_op_rows(r"/v1/images/generations", _IMAGES, {"n": 1}),
        *no_op_rows(
            r"/v1/images/generations", _IMAGES, {"stream": False, "partial_images": 0}, models=r"gpt-image.*"
        ),
        *no_op_rows(r"/v1/images/edits", _EDITS, {"n": 1}),
        *no_op_rows(r"/v1/images/edits", _EDITS, {"stream": False, "partial_images": 0}, models=r"gpt-image.*"),
        *no_op_rows(
            r"/v1/images/variations",
            f"{REFERENCE}/images/createVariation#images-createvariation-*",
            {"n": 1, "response_format": "url", "size": "1024x1024"},
        ),
        *no_op_rows(
            r"/v1/audio/speech",
            f"{REFERENCE}/audio/createSpeech#audio-createspeech-*",
            {"response_format": "mp3", "speed": 1, "stream_format": "audio"},
        ),
        *no_op_rows(r"/v1/audio/transcriptions", _TRANSCRIPTION, {"response_format": "json", "stream": False}),
        *no_op_rows(r"/v1/audio/transcriptions", _TRANSCRIPTION, {"temperature": 0}, models=r"whisper-1"),
        *no_op_rows(
            r"/v1/audio/translations",
            f"{REFERENCE}/audio/createTranslation#audio-createtranslation-*",
            {"response_format": "json", "temperature": 0},
        ),
    ),
    # https://platform.openai.com/docs/api-reference/images/object, .../embeddings/create: encoding_format,
    # https://platform.openai.com/docs/api-reference/audio/speech-audio-delta-event
    encoded=("audio", "b64_json", "embedding"),
    ids=(r"(run|thread|asst|file|batch|req|step|ft|vs)[-_][\w-]{6,}",),
    texts=("input", "instructions", "prompt"),
)
