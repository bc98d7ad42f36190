"""Some hundreds of plausible prompts, over twelve weeks, about changing topics in several languages."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from random import Random

from storage import Message, Outcome, Sender, Status, Store
from tests.conftest import Clock

WEEKS = 12

TOPICS: dict[str, tuple[dict[int, int], tuple[str, ...]]] = {
    "lisbon": (
        {0: 7, 1: 9, 2: 7, 3: 3},
        (
            "I go to Lisbon for a week in May. What is the weather like?",
            "What should I pack for Lisbon?",
            "How do I get from the airport to Alfama in Lisbon?",
            "Which tram goes to Belém, and is the Lisbon card worth it?",
            "Three days of sights in Lisbon, as a table.",
            "Is Sintra worth a day trip from Lisbon by train?",
            "Find a quiet hotel in Alfama with a view of the river.",
            "What are the opening hours of the tiles museum?",
        ),
    ),
    "rust": (
        {3: 4, 4: 7, 5: 10, 6: 9, 7: 6, 8: 2},
        (
            "How do lifetimes work in Rust?",
            "Why does the borrow checker complain about this parser?",
            "Write a small parser for arithmetic expressions in Rust.",
            "How can I return an iterator from a function in Rust?",
            "Should the parser own its tokens or borrow them?",
            "How do I write a benchmark for my parser with cargo?",
            "Which crate would you use for command line arguments in Rust?",
        ),
    ),
    "learning": (
        {8: 4, 9: 8, 10: 9, 11: 11},
        (
            "What is machine learning good for in a small company?",
            "Which Machine Learning model should I try first for tabular data?",
            "How do I keep a machine learning model from overfitting?",
            "What is the difference between machine learning and statistics?",
            "Explain gradient descent as if I were ten.",
            "Summarise the history of machine learning in five sentences.",
        ),
    ),
    "everyday": (
        dict.fromkeys(range(WEEKS), 5),
        (
            "Write a polite e-mail to my landlord about the heating.",
            "What is another word for important?",
            "Why is the sky dark at night?",
            "Give me ten ideas for a birthday present for my sister.",
            "What should I cook tonight with rice, eggs and spinach?",
            "What time is it in Tokyo when it is noon in Berlin?",
            "How many calories are in a banana?",
        ),
    ),
    "garten": (
        {5: 4, 6: 6, 7: 8, 8: 7},
        (
            "Wann kann ich Tomaten ins Hochbeet setzen?",
            "Welche Pflanzen passen gut neben Tomaten?",
            "Was hilft gegen Schnecken im Garten?",
            "Wie oft muss ich die Tomaten im Gewächshaus gießen?",
            "Mein Hochbeet hat zu viele Schnecken, was kann ich tun?",
            "Kommt das Gewächshaus besser neben das Hochbeet oder an die Wand?",
        ),
    ),
    "steuer": (
        {9: 5, 10: 8, 11: 8},
        (
            "Wie trage ich das Arbeitszimmer in der Steuererklärung ein?",
            "Bis wann muss die Steuererklärung abgegeben werden?",
            "Was kann ich in der Steuererklärung absetzen?",
            "Wie hoch ist die Pauschale für das Arbeitszimmer?",
            "Was bedeutet der Bescheid vom Finanzamt?",
        ),
    ),
    "chinese": (
        {1: 4, 2: 6, 3: 8, 4: 6},
        (
            "北京有什么好吃的？",
            "我想去北京旅游，几月去最好？",
            "从北京到上海坐高铁要多久？",
            "请用中文介绍一下人工智能的历史。",
            "人工智能会取代程序员吗？",
            "什么是人工智能？",
        ),
    ),
    "japanese": (
        {6: 4, 7: 6, 8: 6, 9: 6},
        (
            "日本語の敬語について説明してください。",
            "京都への旅行の計画を立ててください。",
            "敬語と丁寧語の違いは何ですか？",
            "京都で紅葉を見るならいつがいいですか？",
            "敬語の練習問題を作ってください。",
            "京都のおすすめの寺を三つ教えてください。",
        ),
    ),
    "russian": (
        {2: 4, 3: 5, 10: 5, 11: 6},
        (
            "Как приготовить борщ на четыре человека?",
            "Объясни падежи в русском языке простыми словами.",
            "Сколько времени варить свёклу для борща?",
            "Чем отличается украинский борщ от русского?",
            "Как правильно учить падежи?",
            "Какой борщ вкуснее, с мясом или без?",
        ),
    ),
    "thai": (
        {4: 5, 5: 6},
        ("ร้านอาหารอร่อยในกรุงเทพมีที่ไหนบ้าง", "ไปกรุงเทพเดือนไหนดี", "จากสนามบินเข้ากรุงเทพไปอย่างไร", "วิธีทำต้มยำกุ้ง"),
    ),
    "korean": (
        {8: 4, 9: 5, 10: 5},
        (
            "파이썬에서 리스트를 정렬하는 방법은?",
            "파이썬으로 웹 크롤러를 어떻게 만드나요?",
            "파이썬과 자바의 차이점은 무엇인가요?",
            "김치찌개에 들어가는 재료는?",
        ),
    ),
}


def prompts() -> Iterator[tuple[int, str, str]]:
    """The week of each, counted from 0, its topic, and itself; in the order of the weeks."""
    turns = {topic: cycle(texts) for topic, (_, texts) in TOPICS.items()}
    chance = Random(4)  # noqa: S311 - the same order each time
    for week in range(WEEKS):
        topics = [topic for topic, (weeks, _) in TOPICS.items() for _ in range(weeks.get(week, 0))]
        yield from ((week, topic, next(turns[topic])) for topic in chance.sample(topics, len(topics)))


def write_prompts(store: Store, clock: Clock, first_monday: datetime) -> None:
    """Have them all asked, from Monday to Friday, in a session for each topic and week; the clock ends on a Friday."""
    process = store.running.begin_process()
    asked = [*prompts()]
    counts = Counter(week for week, *_ in asked)
    place: Counter[int] = Counter()
    for week, topic, text in asked:
        clock.now = first_monday + timedelta(weeks=week, hours=9 + 104 * place[week] / counts[week])
        place[week] += 1
        session = f"{topic} {week}"
        store.sessions.start("local", session)
        opened = store.turns.open(
            "local", session, Message(Sender.HUMAN, text), model="echo", window=3, process_id=process
        )
        clock.forward(seconds=4)
        store.turns.close(opened, Outcome(Status.COMPLETE, (Message(Sender.AI, "That depends. " * 9),)))


def write_until_last_week(url: str) -> None:
    """Have them all asked in the weeks before this one."""
    clock, today = Clock(), datetime.now(UTC)
    with Store(url, clock=clock) as store:
        write_prompts(store, clock, today - timedelta(weeks=WEEKS, days=today.weekday(), hours=today.hour))
