"""The set for retrieval is what its docstring says it is."""

from collections import Counter

import pytest
from bench.corpus import EACH, KINDS, Corpus, Question, corpus
from bench.corpus.concepts import CONCEPTS

from projectdavid.adapters.indexes.words import select_words


@pytest.fixture(scope="module")
def made() -> Corpus:
    """The set."""
    return corpus()


def answers(made: Corpus, question: Question) -> list[str]:
    """What stands where the answers are said to be."""
    return [made.documents[one.document][one.start : one.end] for one in question.answers]


def of_kind(made: Corpus, kind: str) -> list[Question]:
    """The questions of a kind."""
    return [question for question in made.questions if question.kind == kind]


def test_it_is_large_enough_and_each_question_has_an_answer(made: Corpus) -> None:
    assert len(made.documents) >= 300
    assert len(made.questions) >= 200
    assert Counter(question.kind for question in made.questions) == dict.fromkeys(KINDS, EACH)
    assert all(question.answers and all(answers(made, question)) for question in made.questions)
    assert len({question.text for question in made.questions}) == len(made.questions)


def test_it_is_the_same_each_time_and_another_with_another_seed(made: Corpus) -> None:
    assert corpus() == made
    assert corpus(2).questions != made.questions


def test_no_word_belongs_to_two_concepts() -> None:
    words = [word for group in CONCEPTS.values() for word in group]
    assert [word for word, count in Counter(words).items() if count > 1] == []


def test_paraphrases_share_no_word_of_a_circumstance_with_their_answers(made: Corpus) -> None:
    circumstances = {word for group in CONCEPTS.values() for word in group}
    for question in of_kind(made, "paraphrase"):
        asked = circumstances & set(select_words(question.text))
        assert len(asked) == 3, question.text
        for text in answers(made, question):
            assert not asked & set(select_words(text)), question.text


def test_exact_questions_have_a_code_that_the_documents_of_their_answers_have(made: Corpus) -> None:
    for question in of_kind(made, "exact"):
        [code] = [word.strip(",?") for word in question.text.split() if any(map(str.isdigit, word))]
        assert all(code in made.documents[one.document] for one in question.answers), question.text


def test_mixed_questions_name_the_product_and_not_the_trait(made: Corpus) -> None:
    for question in of_kind(made, "mixed"):
        for text in answers(made, question):
            shared = set(select_words(question.text)) & set(select_words(text))
            assert len(shared) == 1, (question.text, text)
