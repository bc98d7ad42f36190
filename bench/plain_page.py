"""The plain way to write a chat: every message drawn, and the reply written by `st.write_stream`."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import streamlit as st
from langchain_ollama import ChatOllama


def answer() -> Iterator[str]:
    model = ChatOllama(model=os.environ["PLAIN_MODEL"], base_url=os.environ["OLLAMA_HOST"])
    for chunk in model.stream(st.session_state.messages):
        yield chunk.text


if "messages" not in st.session_state:
    st.session_state.messages = json.loads(Path(os.environ["PLAIN_MESSAGES"]).read_text())
st.sidebar.radio("Sessions", ["one", "another"])
for sender, text in st.session_state.messages:
    with st.chat_message(sender):
        st.markdown(text)
if prompt := st.chat_input("Write a prompt"):
    st.session_state.messages.append(("user", prompt))
    with st.chat_message("user"):
        st.markdown(prompt)
    with st.chat_message("assistant"):
        st.session_state.messages.append(("assistant", st.write_stream(answer())))
