"""`projectdavid doctor`."""
