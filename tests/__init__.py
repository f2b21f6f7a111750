"""The tests of projectdavid."""
